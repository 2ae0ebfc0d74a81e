"""A path is what its writer meant: variables and home folders are replaced, and none becomes a folder of its name."""

from pathlib import Path

import pytest

from sam_seismic.errors import UserError
from sam_seismic.files.user_paths import UnknownPathError, expanded, set_later, user_path, variable_folder, written


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("SCRATCH", "/scratch/ann")
    monkeypatch.setenv("NESTED", "$SCRATCH/deep")
    monkeypatch.setenv("AT_HOME", "~/data")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("LOOP", "$LOOP/x")
    monkeypatch.delenv("UNSET", raising=False)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("runs/a", "runs/a"),
        ("$SCRATCH/a", "/scratch/ann/a"),
        ("${SCRATCH}2/a", "/scratch/ann2/a"),
        ("x/$SCRATCH", "x//scratch/ann"),
        ("$NESTED/a", "/scratch/ann/deep/a"),
        ("$AT_HOME/a", "/home/ann/data/a"),
        ("~/a", "/home/ann/a"),
        ("~", "/home/ann"),
        ("~root/a", f"{Path('~root').expanduser()}/a"),
        ("a~/b~", "a~/b~"),
        ("$$SCRATCH/a", "$SCRATCH/a"),
        ("cost$.npy", "cost$.npy"),
        ("5$/1", "5$/1"),
    ],
)
def test_what_is_meant(given: str, meant: str):
    assert expanded(given) == Path(meant)
    assert expanded(Path(given)) == Path(meant)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("$UNSET/a", r"--output: the variable UNSET in \$UNSET/a is not set"),
        ("${UNSET}/a", r"the variable UNSET in \$\{UNSET\}/a is not set"),
        ("$EMPTY/a", r"the variable EMPTY in \$EMPTY/a is empty"),
        ("$LOOP", "the variable LOOP refers to itself"),
        ("${SCRATCH:-/tmp}/a", "is not understood"),
        ("${SCRATCH", "is not understood"),
        ("$(date)", "is not understood"),
        ("~no-such-user/a", "there is no user no-such-user"),
        ("", "the path is empty"),
    ],
)
def test_what_is_not_known_is_refused_with_its_name(given: str, told: str):
    with pytest.raises(UserError, match=told) as caught:
        user_path(given, "--output")
    assert caught.value.fix


@pytest.mark.follows("files/user_paths.py", "export {}=FOLDER, or write the path without it; $$ stands for a dollar")
def test_the_fix_of_a_variable_leads_on(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError) as caught:
        user_path("$UNSET/a", "--output")
    assert caught.value.fix.startswith("export UNSET=FOLDER")
    assert user_path("/other/a", "--output") == Path("/other/a")
    assert user_path("$$UNSET/a", "--output") == Path("$UNSET/a")
    monkeypatch.setenv("UNSET", "/folder")
    assert user_path("$UNSET/a", "--output") == Path("/folder/a")


@pytest.mark.follows("files/user_paths.py", "write $NAME or ${NAME} for a variable, and $$ for a dollar")
@pytest.mark.follows("files/user_paths.py", "export {}=FOLDER")
@pytest.mark.follows("files/user_paths.py", "export HOME=FOLDER, or write the path without ~")
def test_the_other_fixes_lead_on(monkeypatch: pytest.MonkeyPatch):
    """Of a variable that is not understood, one that refers to itself, and a home that is not known."""
    fixes = []
    monkeypatch.setenv("HOME", "")
    for given in ("${SCRATCH:-/tmp}/a", "$LOOP", "~/a"):
        with pytest.raises(UserError) as caught:
            user_path(given, "--output")
        fixes.append(caught.value.fix)
    for written_so in fixes[0].removeprefix("write ").partition(" for")[0].split(" or "):
        assert user_path(written_so.replace("NAME", "SCRATCH") + "/a", "--output") == Path("/scratch/ann/a")
    assert user_path("$$SCRATCH", "--output") == Path("$SCRATCH")
    for fix, given, meant in ((fixes[1], "$LOOP", "/folder"), (fixes[2], "~/a", "/folder/a")):
        name, _, value = fix.removeprefix("export ").partition(",")[0].partition("=")
        monkeypatch.setenv(name, value.replace("FOLDER", "/folder"))
        assert user_path(given, "--output") == Path(meant)
    assert user_path("/home/ann/a", "--output") == Path("/home/ann/a")


def test_the_fix_of_an_unknown_user_leads_on(tmp_path: Path):
    """Options come as paths, which have lost the dot at their beginning."""
    with pytest.raises(UserError) as caught:
        user_path(Path("./~no-such-user/a"), "--output")
    name = caught.value.fix.removeprefix("check the name; a file of that name is ")
    assert user_path(Path(name), "--output") == tmp_path / "~no-such-user" / "a"


def test_a_file_of_exactly_that_name_is_meant_where_a_variable_is_not_set(tmp_path: Path):
    (tmp_path / "a$UNSET.npy").touch()
    (tmp_path / "~no-such-user").touch()
    assert expanded("a$UNSET.npy") == Path("a$UNSET.npy")
    assert expanded("~no-such-user") == Path("~no-such-user")


def test_a_folder_named_like_a_variable_does_not_hide_the_variable(tmp_path: Path):
    """Earlier versions made such folders."""
    (tmp_path / "$SCRATCH").mkdir()
    (tmp_path / "~").mkdir()
    assert expanded("$SCRATCH") == Path("/scratch/ann")
    assert expanded("~") == Path("/home/ann")


@pytest.mark.parametrize("path", ["/a/b", "/a$UNSET/b", "/a$SCRATCH/$$", "/a/~"])
def test_what_is_written_means_the_same_later(path: str, monkeypatch: pytest.MonkeyPatch):
    text = written(Path(path))
    monkeypatch.setenv("UNSET", "elsewhere")
    assert expanded(text) == Path(path)


def test_a_folder_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert variable_folder("UNSET") is None
    assert variable_folder("EMPTY") is None
    assert variable_folder("AT_HOME") == Path("/home/ann/data")
    monkeypatch.setenv("PLACE", "$UNSET/x")
    with pytest.raises(UserError, match="PLACE: the variable UNSET"):
        variable_folder("PLACE")


def test_an_empty_home_is_no_home(monkeypatch: pytest.MonkeyPatch):
    """Python would make ~/a the path /a."""
    monkeypatch.setenv("HOME", "")
    with pytest.raises(UserError, match="the home folder for ~/a is not known"):
        user_path("~/a", "--output")


def test_variables_that_a_job_sets_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("SCRATCH", "/scratch")
    with set_later({"SLURM_JOB_ID"}):
        assert expanded("$SCRATCH/$SLURM_JOB_ID/${SLURM_JOB_ID}x") == Path("/scratch/$SLURM_JOB_ID/${SLURM_JOB_ID}x")
        with pytest.raises(UnknownPathError, match="SLURM_JOBS in"):
            expanded("$SLURM_JOBS")
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        assert expanded("$SLURM_JOB_ID") == Path("7")
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.raises(UnknownPathError, match="SLURM_JOB_ID in"):
        expanded("$SLURM_JOB_ID")
