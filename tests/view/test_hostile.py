"""Names from elsewhere: shown, shortened, never executed, whatever stands in nodes, modules, functions and files."""

import base64
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

import pullback as pb
from pullback import nn
from pullback.view.dot import dot
from pullback.view.export import picture_json
from pullback.view.page import page
from pullback.view.svg import svg
from pullback.view.text import plain, tree
from pullback.view.tikz import tikz

NAMES = {
    "script": "</script><script>alert(1)</script>",
    "comment": "<!--<script>",
    "attribute": "\" onload='alert(1)' x=\"",
    "cdata": "]]><svg onload=alert(1)>",
    "control": "a\x00b\x1b[31m\x07\r\n",
    "rightward": "\u202eabc\u2066\u05d0\u05d1",
    "surrogate": "\ud800x",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "braces": "{}${x}%s\\{{\\}}",
    "entity": "&amp;&lt;&#x3c;",
    "long": "x" * 10_000,
    "empty": "",
}


class Net(nn.Module):
    """Its parts are called what the test says."""

    def __init__(self, name):
        self.parts = {name: nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())}

    def forward(self, x):
        """Send x through all parts."""
        for part in self.parts.values():
            x = part(x)
        return x


def graph_of(name):
    """A graph with this name on a node, a module, its class, a function, and a file."""
    safe = "".join(character if character.isidentifier() else "_" for character in name)[:500] or "_"
    cls = type(name.replace("\x00", "").encode("utf-8", "replace").decode(), (Net,), {})
    net = cls(name)
    weight = pb.Parameter(np.ones(2, np.float32), name=name)
    file = f"/tmp/{name[:300]}.py".replace("\x00", "").encode("utf-8", "replace").decode()
    code = compile(f"def _{safe}(x, np):\n    y = np.sin(x)\n    return y * y\n", file, "exec")
    scope = {}
    exec(code, scope)
    helper = scope[f"_{safe}"]
    helper.__code__ = helper.__code__.replace(co_name=name.encode("utf-8", "replace").decode())
    return pb.trace(lambda x: (net(helper(x, np)) * weight).sum(), np.ones((3, 2), np.float32))


@pytest.fixture(params=NAMES.values(), ids=NAMES.keys(), scope="module")
def run(request):
    return graph_of(request.param).forward(np.ones((3, 2), np.float32)).backward()


class Tags(html.parser.HTMLParser):
    """Counts what a browser would take for tags."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        """Keep the tag with the names of its attributes."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))


def test_a_page_has_no_other_tags_than_an_innocent_one(run):
    found = []
    for one in (run, pb.expression("L = a*b").forward(a=1, b=2).backward()):
        tags = Tags()
        tags.feed(page(one))
        found.append(tags.tags)
    assert found[0] == found[1]
    assert "Content-Security-Policy" in page(run)


def test_a_drawing_is_well_formed_and_holds_no_script(run):
    for what in (run, run.graph):
        text = svg(what)
        text.encode()
        root = ET.fromstring(text)
        allowed = {"svg", "title", "desc", "style", "rect", "g", "path", "text", "tspan"}
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= allowed
        assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
        assert float(root.get("width")) < 6000
        assert len(text) < 60_000


def test_data_is_ascii_and_short(run):
    text = picture_json(run)
    assert text.isascii()
    data = json.loads(text)
    words = [
        word for part in ("nodes", "groups") for one in data[part] for word in one.values() if isinstance(word, str)
    ]
    assert max(map(len, words)) <= 200


def test_text_has_no_control_characters(run):
    for text in (plain(run), plain(run.graph), tree(run), tree(run.graph)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
        assert max(map(len, text.splitlines())) < 600


def test_graphviz_and_latex_text_is_balanced(run):
    text = dot(run)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}")
    tikz(run).encode("latin-1")


def test_pictures_of_the_terminal_have_no_markup(run):
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(run)
    assert "\x1b" not in out.getvalue()


def test_a_thumbnail_is_bytes_and_nothing_else(run):
    for node in json.loads(picture_json(run))["nodes"]:
        thumbnail = node["value"].get("thumbnail")
        if thumbnail:
            assert len(base64.b64decode(thumbnail["cells"], validate=True)) == thumbnail["rows"] * thumbnail["columns"]
