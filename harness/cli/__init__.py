"""The command line. Commands are imported when they are called, so that ``harness --help`` costs next to nothing."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any, NoReturn

import click

from harness import __version__
from harness.exits import Exit

COMMANDS = {
    "run": "Judge engines against the specs; write records and reports; gate.",
    "list": "List specs (or what a selection would run).",
    "show": "Print one spec: claim, source, program, what it needs.",
    "coverage": "List the documents' clauses, with the specs that cover each.",
    "check": "Check spec files and engine files; report every mistake.",
    "engines": "List the engines that are at hand.",
    "explain": "Run one spec on one engine, line by line; print a stand-alone script.",
    "doctor": "Climb from importing an engine to a first gradient; stop at the first broken rung.",
    "init-engine": "Write the skeleton of a new engine's adapter.",
    "report": "Make reports from run records.",
    "matrix": "Compare runs of several engines: counts, votes, versions, on one page.",
    "update-deviations": "Make an engine's known deviations those of a run, by the smallest edit.",
    "merge": "Make one record of the records of shards.",
    "diff": "Compare two runs: better, worse, added, removed.",
    "rerun": "Run again what a record holds, or only what failed in it.",
    "mutate": "Break an engine's derivative rules one by one; see whether the suite notices.",
    "kinds": "List the kinds of errors and warnings.",
    "words": "List the words of the spec language.",
    "export": "Print specs as JSON lines with their programs and expected values, for any language.",
    "protocol": "Print the protocol that workers speak, or check that an engine's worker speaks it.",
    "schema": "Print a JSON Schema: of specs, engine files, run records, the protocol or an export.",
}


class Commands(click.Group):
    """Knows the names of all commands and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.{cmd_name.replace('-', '_')}_")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from harness.problems import nearest

            raise click.UsageError(f"no command {args[0]!r}{nearest(args[0], COMMANDS) or '; see harness --help'}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """The conformance suite for automatic differentiation.

    \b
    harness run --engine torch            judge PyTorch against every documented behaviour
    harness run --engine ./my-engine      judge your own
    harness explain SPEC --engine torch   understand one verdict
    """


def main() -> NoReturn:
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; every wrong input ends in one message and a documented exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        # Not cli.main: that one turns a reader who has seen enough (a broken pipe) into exit code 1.
        with cli.make_context("harness", list(arguments)) as context:
            result = cli.invoke(context)
        sys.stdout.flush()  # here, where a full disk or a closed pipe still has an exit code
        return int(result) if isinstance(result, int) else Exit.OK
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.ctx.get_help() if error.ctx else "", Exit.USAGE, prefix="")
    except click.ClickException as error:
        return _say(_usage(error), Exit.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted", Exit.INTERRUPTED)
    except BrokenPipeError:
        _give_up_stdout()
        return Exit.OK  # the reader has seen enough
    except BaseException as error:
        return _known(error)


def _known(error: BaseException) -> int:
    from harness.engine import EngineUnusable
    from harness.problems import InputError
    from harness.record import RecordError
    from harness.selection import SelectionError

    match error:
        case InputError(problems=problems):
            count = f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}"
            return _say(f"{error}\n{count} found", Exit.SPEC_INVALID, prefix="")
        case EngineUnusable():
            return _say(str(error), Exit.ENGINE_UNUSABLE)
        case RecordError() | SelectionError():
            return _say(str(error), Exit.USAGE)
        case OSError():
            _give_up_stdout()
            return _say(f"{error.filename or 'input or output'}: {error.strerror or error}", Exit.USAGE)
    if os.environ.get("HARNESS_DEBUG"):
        raise error
    from harness.worker.loading import where

    return _say(
        f"internal error: {where(error)}\nThis is a fault in the harness. HARNESS_DEBUG=1 shows where; please report it.",
        Exit.INTERNAL,
    )


def _give_up_stdout() -> None:
    """What stdout still holds cannot be written: keep Python from trying once more on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException) -> str:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "harness"
    return f"{error.format_message()} (see {command} --help)"


def _say(text: str, code: Exit, prefix: str = "harness: ") -> int:
    click.echo(f"{prefix}{text}", err=True)
    return code


def _terminated(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
