"""What the sensitivity commands share: the analysis asked for, its results written and printed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from psa_engine.cli.confidential import with_discounts
from psa_engine.cli.options import ALL
from psa_engine.cli.run import overlaid, requested
from psa_engine.cli.timings import Timings
from psa_engine.config import Analysis
from psa_engine.errors import InputError
from psa_engine.report.files import as_json, write_tables
from psa_engine.report.terminal import console, print_heading


@dataclass(frozen=True)
class Asked:
    """A command's configuration, what is laid over it, and where its results go."""

    config: str
    settings: Mapping[str, Any]
    assignments: tuple[str, ...] = ()
    scenario: str | None = None
    subgroup: str | None = None
    discounts: Path | None = None
    show_discounts: bool = False
    out: Path | None = None
    as_json: bool = False
    allow_model_file: bool = False
    timings: Timings = field(default_factory=Timings)

    def analysis(self) -> Analysis:
        """Load the analysis; InputError for `all`, which only run and sweep take."""
        if ALL in (self.scenario, self.subgroup):
            raise InputError("This command takes one scenario or subgroup at a time.", hint="Try sweep.")
        analysis = requested(self.config, self.settings, self.assignments, self.allow_model_file)
        analysis = with_discounts(analysis, self.discounts, self.show_discounts)
        analysis = overlaid(analysis, self.scenario, self.subgroup)
        self.timings.lap("Reading and checking")
        return analysis

    def tell(
        self,
        analysis: Analysis,
        found: Mapping[str, Any],
        tables: Callable[[Mapping[str, Any]], Mapping[str, list[dict[str, Any]]]],
        show: Callable[[Console, Mapping[str, Any]], None],
    ) -> None:
        """Write what was found, less what is confidential, with its `tables`, and print it as JSON or by `show`."""
        from psa_engine.summary import described, evidence_counts, withheld

        self.timings.lap("Runs, with compilation, and what is read off them")
        wtp = [float(w) for w in analysis.settings.wtp]
        results = {**described(analysis), "evidence": evidence_counts(analysis), "wtp": wtp, **found}
        results = withheld(results, analysis.confidential)
        if self.out is not None:
            write_tables(self.out, results, tables(results))
            self.timings.lap("Writing")
        if self.as_json:
            typer.echo(as_json(results), nl=False)
            return
        shown = console()
        print_heading(shown, results)
        show(shown, results)
        if self.out is not None:
            shown.print(f"Written to {self.out}: results.json, tables/.")
        self.timings.print(shown)
