"""What all tests share."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sam_seismic.errors import UserError
from tests.fix_texts import meets

# A deadline an example would be a time limit: these machines are shared and noisy.
settings.register_profile("sam-seismic", deadline=None)
settings.load_profile("sam-seismic")


@pytest.fixture(scope="session", autouse=True)
def no_real_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the cache of whoever runs it, nor does a process that a test starts."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAM_SEISMIC_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real seismic beside the checkout; its licences keep it out of the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the cluster wait more than they compute: begun first, they do not keep one worker busy at the end."""
    items.sort(key=lambda item: "cluster" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test with the mark `follows` meets that fix: an error with that text is made while it runs.

    With `elsewhere=True` it is not looked for: the error is made in another process, or told without one.
    """
    marks = [mark for mark in pyfuncitem.iter_markers("follows") if not mark.kwargs.get("elsewhere")]
    made: list[str] = []
    init = UserError.__init__

    def noting(self: UserError, problem: str, fix: str) -> None:
        made.append(fix)
        init(self, problem, fix)

    with pytest.MonkeyPatch.context() as patch:
        if marks:
            patch.setattr(UserError, "__init__", noting)
        result = yield
    missed = [mark.args for mark in marks if not any(meets(mark.args[1], fix) for fix in made)]
    assert missed == [], "the test does not meet these fixes"
    return result
