"""Files: weights as safetensors."""

from pullback.io.weights import load_metadata, load_weights, save_weights

__all__ = ["load_metadata", "load_weights", "save_weights"]
