"""``pullback cache``: the compiled code that is kept on disk."""

from __future__ import annotations

import click

from pullback.compiler.cache import VARIABLE, Usage, clear, usage
from pullback.view.notation import clean


@click.group()
def cache() -> None:
    """Show or clear the compiled code that is kept on disk, so that it need not be compiled again."""


@cache.command()
def info() -> None:
    """Say where compiled code is kept, and how much of it."""
    _show(usage(), "")


@cache.command(name="clear")
def clear_cache() -> None:
    """Remove all compiled code that is kept; programs compile anew what they need."""
    _show(clear(), "removed ")


def _show(found: Usage, word: str) -> None:
    if found.directory is None:
        click.echo(f"no compiled code is kept: {VARIABLE} is empty")
        return
    entries = f"{found.entries:,} {'entry' if found.entries == 1 else 'entries'}"
    click.echo(f"{word}{entries}, {found.nbytes / 1000:,.0f} kB, in {clean(str(found.directory))}")
