"""The command line: of cases, `policygrounds determine | explain | interview | facts`.

Of tables of cases: `policygrounds batch` (`queries.batch.command`).
Of all of it: `policygrounds query` (`queries.asking`).
Of policies as such: `policygrounds policies | verify`, and `check | compare | diff | routes | tree`
(`queries.checking`).

Exit status: 0 if everything asked was answered; 1 if `policies --prove` found a case without
exactly one outcome, `verify` a compiled outcome that is not proved, or `check` a finding that
counts; 2 for bad input, be it one case among many, and for what could not be done.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine.policy import Policy
from facts.case import Case
from facts.errors import PolicygroundsError, did_you_mean
from facts.schema import case_schema
from facts.vocabulary import Diagnosis, Drug, Fact, Vocabulary
from queries.asking import query
from queries.batch.command import batch
from queries.checking import check, compare, diff, routes, tree
from queries.explaining import explain, interview
from queries.impact_command import impact
from queries.knowledge_base import Counterexample, KnowledgeBase
from queries.shell import (
    BAD_INPUT,
    Answers,
    check_date,
    choose_readings,
    errors_end,
    folders_option,
    json_option,
    new_console,
    own_readings,
    print_json,
    program_version,
    readings_option,
)
from queries.terminal import (
    show_determination,
    show_fact,
    show_facts,
    show_policies,
    show_policy,
    show_proof,
    show_sections,
    show_verifications,
)
from queries.testing import test


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(program_version(), prog_name="policygrounds")
def main() -> None:
    """Decide drug-coverage requests under policies written as logic, with their grounds."""


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@json_option
@click.option("--on", metavar="DATE", help="Decide every case as of DATE, such as 2025-09-15.")
@readings_option
@folders_option
def determine(
    file: Path, *, as_json: bool, on: str | None, readings: Sequence[str], folders: Sequence[Path]
) -> None:
    """Decide the cases in FILE: one case, a list, or a case a line; - for standard input."""
    with errors_end(file):
        check_date(on)
        kb = KnowledgeBase.load(*folders)
        chosen = choose_readings(kb, readings)
        console = new_console()

        def answer(case: Case) -> str:
            determination = kb.determine(case, readings=own_readings(kb, case.policy, chosen))
            if as_json:
                print_json(determination.to_json())
            else:
                answers.separate()
                policy = kb.policies[determination.policy]
                show_determination(console, determination, policy, kb.vocabulary)
            return determination.outcome.value

        answers = Answers(answer, as_json=as_json, console=console)
        answers.give_all(file, on)
    if answers.failed:
        sys.exit(BAD_INPUT)


@main.command()
@click.argument("policy", required=False)
@json_option
@click.option(
    "--prove",
    is_flag=True,
    help="Prove that every complete case gets one outcome; status 1 if not.",
)
@folders_option
def policies(policy: str | None, *, as_json: bool, prove: bool, folders: Sequence[Path]) -> None:
    """List the policies and their versions, or show POLICY with its readings."""
    with errors_end(None):
        kb = KnowledgeBase.load(*folders)
        chosen = [kb.policy(policy)] if policy else list(kb.policies.values())
        if prove:
            _prove(kb, chosen, as_json=as_json)
        elif as_json:
            for stated in chosen:
                print_json(_policy_json(stated))
        elif policy:
            show_policy(new_console(), chosen[0])
            show_sections(new_console(), chosen[0])
        else:
            show_policies(new_console(), chosen)


def _prove(kb: KnowledgeBase, chosen: Sequence[Policy], *, as_json: bool) -> None:
    """Print, for each version, that outcomes are unique, or a case that shows they are not."""
    broken = 0
    for policy in chosen:
        for version in policy.versions:
            found = kb.counterexample(policy.number, on=version.start)
            broken += found is not None
            if as_json:
                print_json(_proof_json(policy.number, version.start, found))
            else:
                show_proof(new_console(), policy.number, version.start, found)
    if broken:
        sys.exit(1)


@main.command()
@click.argument("policies", nargs=-1, metavar="[POLICY]...")
@json_option
@folders_option
def verify(policies: Sequence[str], *, as_json: bool, folders: Sequence[Path]) -> None:
    """Prove that compiled outcomes are those of the policies; all policies if none is named.

    Every version under its default readings, and under each reading chosen otherwise; status 1 if
    one is not proved. What is too large to be compiled is decided by the solver.
    """
    with errors_end(None):
        kb = KnowledgeBase.load(*folders)
        failed = 0
        for policy in [kb.policy(number) for number in policies] or kb.policies.values():
            for version in policy.versions:
                found = kb.verify(policy.number, on=version.start)
                failed += sum(each.nodes is not None and not each.proved for each in found)
                failed += sum(each.columns_proved is False for each in found)
                if as_json:
                    for each in found:
                        print_json(each.to_json())
                else:
                    show_verifications(new_console(), policy.number, version.start, found)
    if failed:
        sys.exit(1)


@main.command()
@click.argument("fact", required=False)
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a case.")
@folders_option
def facts(fact: str | None, *, as_json: bool, schema: bool, folders: Sequence[Path]) -> None:
    """List the facts a case may state, or show FACT alone."""
    with errors_end(None):
        kb = KnowledgeBase.load(*folders)
        vocabulary = kb.vocabulary
        if fact is not None and fact not in vocabulary.facts:
            meant = did_you_mean(fact, vocabulary.facts)
            raise PolicygroundsError(f"fact {fact!r} is not in the vocabulary{meant}")
        if schema:
            click.echo(json.dumps(case_schema(vocabulary, kb.policies, kb.record_words), indent=2))
        elif as_json and fact:
            print_json(_fact_json(vocabulary.facts[fact]))
        elif as_json:
            print_json(_vocabulary_json(vocabulary))
        elif fact:
            show_fact(new_console(), vocabulary.facts[fact], vocabulary)
        else:
            show_facts(new_console(), vocabulary)


def _proof_json(policy: str, version: str, found: Counterexample | None) -> dict[str, object]:
    counterexample = found and {
        "facts": dict(found.case.facts),
        "readings": dict(found.readings),
        "outcomes": list(found.outcomes),
    }
    return {
        "policy": policy,
        "version": version,
        "one_outcome": found is None,
        "counterexample": counterexample,
    }


def _policy_json(policy: Policy) -> dict[str, object]:
    return {
        "policy": policy.number,
        "payer": policy.payer,
        "drug": policy.drug,
        "title": policy.title,
        "source": policy.source,
        "versions": [
            {
                "version": version.start,
                "until": version.until,
                "status": version.status,
                "note": version.note,
                "sections": dict(version.texts),
            }
            for version in policy.versions
        ],
        "readings": [
            {
                "name": reading.name,
                "question": reading.question,
                "sections": list(reading.sections),
                "choices": dict(reading.choices),
                "default": reading.default,
            }
            for reading in policy.readings.values()
        ],
    }


def _vocabulary_json(vocabulary: Vocabulary) -> dict[str, object]:
    return {
        "facts": [_fact_json(fact) for fact in vocabulary.facts.values()],
        "drugs": [_drug_json(drug) for drug in vocabulary.drugs.values()],
        "drug_classes": dict(vocabulary.classes),
        "diagnoses": [_diagnosis_json(diagnosis) for diagnosis in vocabulary.diagnoses.values()],
        "contradictions": dict(vocabulary.contradictions),
    }


def _fact_json(fact: Fact) -> dict[str, object]:
    stated: dict[str, object] = {
        "fact": fact.name,
        "kind": fact.kind.value,
        "title": fact.title,
        "question": fact.question,
        "changed_by": fact.changer.value,
    }
    if fact.unit:
        stated["unit"] = fact.unit
        stated["range"] = [fact.number(fact.lowest), fact.number(fact.highest)]
        stated["decimals"] = fact.decimals
    if fact.options is not None:
        stated["values"] = dict(fact.options)
    return stated


def _drug_json(drug: Drug) -> dict[str, object]:
    return {
        "drug": drug.name,
        "title": drug.title,
        "classes": list(drug.classes),
        "brands": list(drug.brands),
        "codes": [
            {"system": code.system, "code": code.code, "text": code.text, "source": code.source}
            for code in drug.codes
        ],
    }


def _diagnosis_json(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "diagnosis": diagnosis.name,
        "title": diagnosis.title,
        "icd10": dict(diagnosis.icd10),
        "cautions": dict(diagnosis.cautions),
        "not_shown_by": [
            {"first": trap.first, "last": trap.last, "text": trap.text} for trap in diagnosis.traps
        ],
    }


for command in (explain, interview, query, batch, check, compare, diff, routes, tree):
    main.add_command(command)
main.add_command(test)
main.add_command(impact)
