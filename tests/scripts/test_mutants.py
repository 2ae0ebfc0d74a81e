"""The list of mutants keeps step with the code: each fault can be made, by a change of one place, and has its tests."""

import pytest

from scripts.mutant_list import MUTANTS, Mutant
from scripts.mutants import ROOT, located


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_can_be_made(mutant: Mutant):
    assert located(mutant, ROOT) is not None, f"{mutant.old!r} is not exactly once below sam_seismic/{mutant.where}"
    assert mutant.old != mutant.new
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


def test_each_room_with_numbers_in_it_has_some():
    rooms = {mutant.where.partition("/")[0] for mutant in MUTANTS}
    assert rooms >= {"data", "files", "inference", "networks", "runs", "sam", "scoring", "survey", "tasks", "tuning"}
    assert len(MUTANTS) >= 30
