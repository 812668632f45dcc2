"""bench/RESULTS.md, from a results file and the template."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from bench.places import BENCH
from bench.report import curves, growing, measures, plots, profiled, runs, tables
from bench.report.results import Json, Results
from bench.report.targets import OWN, Target, judged
from bench.sizes import Sizes
from bench.systems.catalog import SYSTEMS

TEMPLATE = BENCH / "report" / "RESULTS.md.template"


def write(results_files: Sequence[Path], folder: Path = BENCH) -> None:
    """Write the page and its plots into a folder, from all these files together."""
    results = Results.read(results_files)
    drawn = folder / "plots"
    drawn.mkdir(exist_ok=True)
    plots.write(results, drawn)
    curves.write(results, drawn)
    own = [system for system in OWN if system in results.systems]
    parts = {
        "summary": _summary(results),
        "ratios": "\n\n".join(tables.ratios(results, system) for system in own),
        "targets": tables.targets(results),
        "runs": runs.compared([Results.read([path]) for path in results_files], results.quickest()),
        "absolutes": tables.absolutes(results, measures.SHOWN),
        "survival_summary": tables.survived(results),
        "scale": growing.scale(results),
        "serial": growing.serial(results),
        "growth": growing.growth(results),
        "flood": growing.flood(results),
        "survival": tables.survival(results),
        "rest": tables.absolutes(results, measures.AT_REST),
        "processes": tables.processes(results),
        "floor": tables.floor(results),
        "nearness": profiled.nearness(results),
        "profile": profiled.page(results.profiles),
        "setups": _setups(results),
        "postgres": _postgres(results),
        "concurrency": str(Sizes().concurrency),
        "machine": _machine(results),
        "versions": _versions(results),
        "absent": _absent(results),
        "every_run": tables.every_run(results),
        "again": _again(results),
    }
    (folder / "RESULTS.md").write_text(Template(TEMPLATE.read_text()).substitute(parts).rstrip() + "\n")


def _summary(results: Results) -> str:
    verdicts = [(target, tables.title(own), found, verdict) for target, own, found, verdict in judged(results)]
    missed = [(t, own, found) for t, own, found, verdict in verdicts if "MISSED" in verdict]
    musts = [line for line in missed if line[0].level == "must"]
    met = sum(verdict == "met" for *_, verdict in verdicts)
    beyond = len(missed) - len(musts)
    open_ = len(verdicts) - met - len(missed)
    lines = [
        f"**{met} targets met, {len(musts)} that must be met missed**, and {beyond} that go further;",
        f"left open, as not measured or not to be judged on this machine: {open_}. The program judges each, below.",
        "",
    ]
    lines += [f"- missed: {text}: {_where(musts, text)}" for text in dict.fromkeys(t.text for t, *_ in musts)]
    contended = results.contended()
    if contended:
        lines.append(
            f"\n**Contended:** during {len(contended)} of {len(results.lines)} runs others had more than a tenth of "
            "the machine (see the last table). Take the rates of this run as lower bounds."
        )
    lines += ["", *_errors(results)]
    return "\n".join(lines)


def _errors(results: Results) -> list[str]:
    """How many there were; and where, with the first of each visit, so that nobody has to guess what they were."""
    lines = [line for line in results.lines if line["scenario"] != "survival" and line["errors"]]
    many = sum(int(line["errors"]) for line in lines)
    return [
        f"Errors outside the survival runs: {many}; visits that failed: {len(results.failed)}.",
        *(
            f"- {tables.title(line['system'])}, {line['scenario']}, round {line['round']}: {line['errors']},"
            f" such as `{line['first_errors'][0]}`"
            for line in lines
        ),
    ]


def _where(missed: list[tuple[Target, str, str]], text: str) -> str:
    return "; ".join(f"{own} {found}" for target, own, found in missed if target.text == text)


def _setups(results: Results) -> str:
    return "\n".join(f"- **{tables.title(name)}**: {SYSTEMS[name].how}" for name in results.systems if name in SYSTEMS)


def _postgres(results: Results) -> str:
    found = {
        ", ".join(f"{name} {value}" for name, value in line["postgres"].items())
        for line in results.lines
        if line.get("postgres")
    }
    return "; ".join(sorted(found)) or "not measured"


def _machine(results: Results) -> str:
    return "\n\n".join(_portrait(run["about"]) for run in results.runs)


def _portrait(about: Json) -> str:
    changed = ", with changes not committed" if about["changed"] else ""
    return (
        f"{about['at']}; {about['cores']} cores ({about['processor']}), {about['memory_gib']} GiB, {about['system']}, "
        f"Python {about['python']}; 8 kB write with fdatasync {about['fdatasync_us']} µs; load {about['load']:.1f} at "
        f"the beginning. Guardian at {about['commit'] or 'an unknown commit'}{changed}."
    )


def _versions(results: Results) -> str:
    named = results.versions
    lines = (", ".join(f"{package} {version}" for package, version in named[name].items()) for name in results.systems)
    return "\n".join(f"- {tables.title(name)}: {line}" for name, line in zip(results.systems, lines, strict=True))


def _absent(results: Results) -> str:
    return "\n".join(f"Left out: {tables.title(name)}: {reason}" for name, reason in results.absent.items())


def _again(results: Results) -> str:
    lines = dict.fromkeys(_command(list(run["arguments"])) for run in results.runs)
    return "\n".join(["```", *lines, "```"])


def _command(given: list[str]) -> str:
    if "--guardian" in given:  # a path of one machine tells nobody anything
        given[given.index("--guardian") + 1] = "CHECKOUT"
    return " ".join(["sh scripts/bench", *given])
