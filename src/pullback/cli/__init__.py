"""The command line: ``pullback explain``, ``train``, ``view``. Each command is loaded when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from pullback.errors import PullbackError
from pullback.view.notation import clean

COMMANDS = {
    "cache": "Show or clear the compiled code that is kept on disk.",
    "explain": "Evaluate an expression and derive its gradients, step by step.",
    "train": "Train a network on a data set or a CSV file.",
    "view": "Look at an expression, a saved graph or saved weights.",
}
"""The commands and what each does, in one line. ``name`` is the function ``name`` of the module ``name``."""

BAD_INPUT = 2
INTERRUPTED = 130
"""Exit codes, by the conventions of shells."""


class CommandLine(click.Group):
    """A group whose commands are imported when they are called, and that reports every error in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"pullback.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]  # one signature in place of click's two
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; bad input ends with one line on standard error and exit code 2, never with a traceback."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal may not have every character of a name
        code = 0
        try:
            with np.errstate(all="ignore"):  # what is divided by zero shows in the numbers
                result = super().main(args, prog_name, standalone_mode=False, **extra)
            code = result if isinstance(result, int) else 0
        except PullbackError as error:
            code = _report(error.reason)
        except click.UsageError as error:
            hint = f". Try '{error.ctx.command_path} --help'" if error.ctx is not None else ""
            code = _report(f"{error.format_message().rstrip('.')}{hint}")
        except click.ClickException as error:
            code = _report(error.format_message())
        except MemoryError:
            code = _report("there is not enough memory for arrays of this size")
        except OSError as error:  # files raise FileError: this is the terminal, or what stands in its place
            code = _report(f"cannot write the output: {error.strerror or error}")
        except click.Abort:
            click.echo("interrupted", err=True)
            code = INTERRUPTED
        if standalone_mode:
            sys.exit(code)
        return code


def _report(message: str) -> int:
    click.echo(f"error: {clean(' '.join(message.split()))}", err=True)
    return BAD_INPUT


@click.command(
    "pullback",
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="pullback")
@click.pass_context
def main(context: click.Context) -> None:
    """Computation graphs: walked forward for values, backward for gradients, and shown."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
