"""The `laurel` command: run the suite, feed it programs, look into it."""

from __future__ import annotations

import typer

from laurel_cli.commands import bench, clock, demo, health, member, programs, proofs, up, version

application = typer.Typer(
    name="laurel",
    help="Run the Laurel suite, give it programs and look into it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command()(up.up)
application.command()(up.down)
application.command()(demo.demo)
application.command()(programs.validate)
application.command()(programs.apply)
application.command()(proofs.verify)
application.command("verify-proof")(proofs.verify_proof)
application.add_typer(clock.application, name="clock")
application.add_typer(member.application, name="member")
application.add_typer(bench.application, name="bench")
application.command()(health.health)
application.command()(version.version)


def main() -> None:
    """Run the command line."""
    application(prog_name="laurel")


if __name__ == "__main__":
    main()
