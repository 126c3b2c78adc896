"""Data: mini-batches, splits, data sets, CSV files."""

from pullback.data.batches import Batches
from pullback.data.csv import read_csv
from pullback.data.dataset import Dataset, load_breast_cancer, load_digits, split

__all__ = ["Batches", "Dataset", "load_breast_cancer", "load_digits", "read_csv", "split"]
