"""CSV files: what is read, and that everything else is refused with the place and what to do."""

import numpy as np
import pytest

import pullback as pb
from pullback.data import read_csv

GOOD = "height,colour,kind\n1.5,red,cat\n2.5,blue,dog\n3.5,red,cat\n0.5,red,dog\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="animals.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_numbers_are_features_words_become_one_column_each_and_a_target_of_words_is_a_class(write):
    data = read_csv(write(GOOD), "kind")
    assert data.name == "animals"
    assert data.features == ("height", "colour=blue", "colour=red")
    np.testing.assert_array_equal(data.inputs, [[1.5, 0, 1], [2.5, 1, 0], [3.5, 0, 1], [0.5, 0, 1]])
    assert data.numeric.tolist() == [True, False, False]
    assert data.classes == ("cat", "dog")
    assert data.targets.tolist() == [0, 1, 0, 1]
    assert len(data) == 4


def test_a_target_of_numbers_is_to_be_predicted_as_a_number(write):
    data = read_csv(write(GOOD), "height")
    assert data.classes is None
    assert data.targets.tolist() == [1.5, 2.5, 3.5, 0.5]


def test_a_target_of_few_integers_is_a_class_in_the_order_of_numbers(write):
    data = read_csv(write("x,y\n" + "".join(f"{i},{10 if i % 2 else 9}\n" for i in range(10))), "y")
    assert data.classes == ("9", "10")
    assert data.targets[:2].tolist() == [0, 1]


def test_a_target_of_many_integers_is_a_number(write):
    assert read_csv(write("x,y\n" + "".join(f"{i},{i}\n" for i in range(8))), "y").classes is None


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_quotes_a_byte_order_mark_and_blank_lines_are_read(write, separator):
    text = GOOD.replace(",", separator).replace("red", f'"r{separator}ed"').replace("\n", "\r\n") + "\r\n"
    data = read_csv(write(b"\xef\xbb\xbf" + text.encode()), "kind")
    assert data.features == ("height", "colour=blue", f"colour=r{separator}ed")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_as_on_other_systems(write, end):
    assert len(read_csv(write(GOOD.replace("\n", end)), "kind")) == 4


def test_columns_may_be_left_out(write):
    assert read_csv(write(GOOD), "kind", ignore=["colour"]).features == ("height",)
    for ignore in ("colour", None):
        with pytest.raises(pb.errors.DTypeError, match="ignore to be a list of names, got"):
            read_csv(write(GOOD), "kind", ignore=ignore)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "animals.csv: expected a CSV file, got an empty one"),
        ("\n\n", "got an empty one"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "bytes that are no text in line 1"),
        (b"a,kind\n\0\0,1\n", "got a binary one"),
        ("just some words\nand more\n", "whose first line names two or more columns"),
        ("1,2\n3,4\n", "expected column names in the first line, got numbers only"),
        ("a,,kind\n1,2,3\n", "column 2 has no name"),
        ("a,a,kind\n1,2,3\n", "two columns are named 'a'"),
        ("a,kind\n", "expected rows of data after the first line, got none"),
        ("a,kind\n1,x\n", "got a single one"),
        ("a,kind\n1,x\n2\n", "line 3: expected 2 entries, as the first line has, got 1"),
        ("a,kind\n1,x\n,y\n", "line 3: nothing in column 'a'"),
        ("a,kind\n1,x\nNA,y\n", r"line 3: nothing in column 'a' \('NA'\)"),
        ("a,kind\n1,x\n2,\n", "line 3: nothing in column 'kind'"),
        ("a,kind\n1,x\ninf,y\n", "line 3: expected a finite number in column 'a', got 'inf'"),
        ("a,kind\n1,x\n-1e151,y\n", "line 3: expected a number below 1e150 in column 'a', got '-1e151'"),
        ("a,kind\n\u00e9,x\n".encode("latin-1"), r"no text in line 2\. Save it as UTF-8"),
        ('a,kind\n1,x\n"2,y\n', "not CSV"),
        ("a,kind\n" + "".join(f"{i},x\n{i},y\n" for i in range(40)) + "o1,x\n", "line 82: expected a number.*'o1'"),
        ("a,kind\n" + "".join(f"w{i},x\nw{i},y\n" for i in range(40)), "'a' has 40 different words, more than 32"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(write, content, words):
    with pytest.raises(pb.errors.FormatError, match=words):
        read_csv(write(content), "kind")


@pytest.mark.parametrize(
    ("content", "target", "ignore", "words"),
    [
        (GOOD, "size", (), "animals.csv has no column 'size'. Its columns are height, colour, kind"),
        (GOOD, "kind", ("size",), "has no column 'size'"),
        (GOOD, "kind", ("height", "colour"), "no column is left"),
        (GOOD, "kind", ("kind",), "no column is left"),
        ("a,kind\n1,x\n2,x\n", "kind", (), "'kind' is 'x' in every row"),
        ("a,kind\n1,2\n2,2\n", "kind", (), "'kind' is 2 in every row"),
        ("a,kind\n1,0.5\n2,0.5\n", "kind", (), "'kind' is 0.5 in every row"),
        ("a,kind\n1,x\n2,y\n", "kind", (), "2 different words in 2 rows"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(write, content, target, ignore, words):
    with pytest.raises(pb.errors.ArgumentError, match=words):
        read_csv(write(content), target, ignore)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(pb.errors.FileError, match=r"cannot read .*none\.csv.*: No such file or directory"):
        read_csv(tmp_path / "none.csv", "kind")
