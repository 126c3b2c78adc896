"""The colours of pictures, for light and for dark surroundings."""

from __future__ import annotations

_FIXED = """
.pb text{font-family:"Helvetica Neue",Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif;text-anchor:middle}
.pb .pb-title,.pb .pb-key,.pb .pb-within{text-anchor:start}
.pb .pb-title{font-size:17px;font-weight:600}
.pb .pb-key{font-size:11.5px}
.pb .pb-name{font-size:14px;font-weight:700}
.pb .pb-op{font-weight:400}
.pb .pb-value{font-size:14px;font-weight:600}
.pb .pb-gradient{font-size:12.5px}
.pb .pb-label{font-size:11.5px}
.pb .pb-within{font-size:12.5px}
.pb .pb-within tspan:first-child{font-weight:700}
.pb .pb-node{stroke-width:1.5}
.pb .pb-constant .pb-node{stroke-dasharray:4 3}
.pb .pb-first .pb-node{stroke-width:3.5}
.pb .pb-line{fill:none;stroke-width:1.5}
.pb .pb-back{fill:none;stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}
"""

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b2330",
    "soft": "#566070",
    "line": "#9aa5b4",
    "back": "#c8322b",
    "operation": "#f5f6f8 #b9c1cd",
    "constant": "#f5f6f8 #b9c1cd",
    "input": "#e2eefe #3a82dc",
    "parameter": "#fdecd6 #e08a2c",
    "output": "#e3f5e8 #2f9c59",
    "group": "#efeafa #8b6fc9",
    "frame": "#faf8fe #cfc2ec",
}
"""The colours on white paper; for each kind of shape those of its inside and of its border."""
_DARK = {
    "paper": "#12161d",
    "ink": "#e7ebf1",
    "soft": "#a7b2c2",
    "line": "#64718a",
    "back": "#ff7f76",
    "operation": "#1d232d #4b576a",
    "constant": "#1d232d #4b576a",
    "input": "#142f50 #5a9ff0",
    "parameter": "#43300f #eea04a",
    "output": "#14371f #4fc07c",
    "group": "#2a2340 #a78be6",
    "frame": "#181726 #4a4072",
}


def _coloured(colours: dict[str, str]) -> str:
    rules = [
        f".pb .pb-paper,.pb .pb-gap{{fill:{colours['paper']}}}",
        f".pb .pb-title,.pb .pb-name,.pb .pb-value{{fill:{colours['ink']}}}",
        f".pb .pb-op,.pb .pb-label,.pb .pb-key,.pb .pb-within{{fill:{colours['soft']}}}",
        f".pb .pb-line{{stroke:{colours['line']}}}",
        f".pb .pb-head{{fill:{colours['line']}}}",
        f".pb .pb-gradient{{fill:{colours['back']}}}",
        f".pb .pb-back{{stroke:{colours['back']}}}",
    ]
    for kind in ("operation", "constant", "input", "parameter", "output", "group"):
        fill, stroke = colours[kind].split()
        rules.append(f".pb .pb-{kind} .pb-node{{fill:{fill};stroke:{stroke}}}")
    fill, stroke = colours["frame"].split()
    rules.append(f".pb .pb-frame{{fill:{fill};stroke:{stroke}}}")
    rules.append(f".pb .pb-framed{{fill:{fill}}}")
    rules.append(f".pb .pb-first .pb-node,.pb .pb-strange .pb-node{{stroke:{colours['back']}}}")
    return "\n".join(rules)


CSS = f"{_FIXED}{_coloured(LIGHT)}\n@media (prefers-color-scheme:dark){{\n{_coloured(_DARK)}\n}}\n"
"""The style sheet of a picture; every rule is confined to it, so that it may stand inside a page."""
