"""The synthetic survey: known geology goes in, so what comes out can be checked against it."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey, ricker

SMALL = (48, 64, 96)
SEEDS = range(6)
OVERBURDEN, DELTAIC, CHANNEL, SHALE, CHALK, SALT = range(6)


@pytest.fixture(scope="module")
def survey() -> SyntheticSurvey:
    return model_survey()


@pytest.fixture(scope="module", params=SEEDS)
def labels(request: pytest.FixtureRequest) -> np.ndarray:
    return model_survey(SMALL, request.param).labels


def test_same_seed_gives_the_same_survey():
    """Results can be compared between runs and machines only on the same data."""
    one, again, other = (model_survey(SMALL, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.amplitude, again.amplitude)
    np.testing.assert_array_equal(one.labels, again.labels)
    assert np.mean(one.labels != other.labels) > 0.1
    assert abs(np.corrcoef(one.amplitude.ravel(), other.amplitude.ravel())[0, 1]) < 0.3


def test_survey_looks_like_a_recorded_one(survey: SyntheticSurvey):
    """Shapes, types, line numbers and sampling are those of a real volume; nothing is missing."""
    assert survey.amplitude.shape == survey.labels.shape == survey.geometry.shape == (96, 128, 128)
    assert (survey.amplitude.dtype, survey.labels.dtype) == (np.float32, np.uint8)
    assert (survey.geometry.inlines[0], survey.geometry.crosslines[0]) == (100, 300)
    assert survey.geometry.sample_interval_ms == 4.0
    assert survey.geometry.live.all()
    assert np.isfinite(survey.amplitude).all()
    assert np.sqrt(np.mean(survey.amplitude**2)) == pytest.approx(1, abs=1e-3)
    assert abs(survey.amplitude.mean()) < 0.01
    assert survey.facies.names == ("overburden", "deltaic", "channel", "shale", "chalk", "salt")


def test_every_facies_is_in_every_part(labels: np.ndarray):
    """Blocks of inlines serve as train, val and test: a class that one of them lacks cannot be learned or scored."""
    for part in np.array_split(labels, 3):
        shares = np.bincount(part.ravel(), minlength=6) / part.size
        assert shares.min() > 0.03, shares
        assert shares.max() < 0.4, shares


def test_facies_follow_one_another_in_depth(labels: np.ndarray):
    """Down a trace the layers come in order; only channels stand outside it, for they cut across layers."""
    layers = labels.astype(int)
    layers[labels == CHANNEL] = -1
    layers = np.maximum.accumulate(layers, axis=-1)
    assert np.all((layers == labels) | (labels == CHANNEL))
    assert np.all(labels[..., 0] == OVERBURDEN)
    assert np.mean(labels[..., -1] == SALT) > 0.9


def test_salt_pierces_the_layers_above(labels: np.ndarray):
    """The body that depth alone does not find: in places, salt touches shale and the chalk is gone."""
    without_chalk = ~(labels == CHALK).any(axis=-1)
    assert 0.02 < without_chalk.mean() < 0.3


def test_faults_displace_the_labels():
    """Labels break where reflectors do: by at most the throws together, only downwards, unevenly along strike."""
    throw = 40.0 / 4.0  # ms / ms
    whole, broken = ((model_survey(seed=2, throw_ms=throw_ms).labels != SALT).sum(axis=-1) for throw_ms in (0.0, 40.0))
    drop = broken - whole  # [inline, crossline], of the top of the salt
    assert drop.min() >= 0
    assert 0.6 * throw < drop.max() <= 1.6 * throw + 1
    assert drop[:, :6].max() <= 0.4 * throw  # beyond the main fault only the tail of the other one is left
    deepest = drop.max(axis=1)
    assert deepest.max() > 1.5 * deepest.min()
    assert np.abs(np.diff(drop, axis=1)).max() > 4  # a break, not a fold


def test_depth_alone_is_not_enough(labels: np.ndarray):
    """A guess by depth is mediocre and a constant guess is poor, so that a score above them shows learning."""
    train, test = labels[:29], labels[38:]
    by_depth = np.array([np.bincount(train[..., sample].ravel()).argmax() for sample in range(labels.shape[-1])])
    constant = np.bincount(train.ravel()).argmax()
    assert 0.25 < _mean_iou(test, np.broadcast_to(by_depth, test.shape)) < 0.65
    assert _mean_iou(test, np.full(test.shape, constant)) < 0.1


@pytest.mark.parametrize("peak_hz", [25.0, 35.0])
def test_wavelet_has_the_stated_frequency(peak_hz: float):
    """The wavelet peaks where it is said to, is symmetric and carries no constant; so does what it recorded."""
    wavelet = ricker(peak_hz, 4.0)
    np.testing.assert_allclose(wavelet, wavelet[::-1], atol=1e-7)
    assert wavelet[len(wavelet) // 2] == 1
    assert abs(wavelet.sum()) < 1e-4
    spectrum = np.abs(np.fft.rfft(wavelet, 4096))
    assert np.fft.rfftfreq(4096, 0.004)[spectrum.argmax()] == pytest.approx(peak_hz, abs=0.5)

    noise = model_survey(SMALL, wavelet_hz=peak_hz, signal_to_noise=1e-3).amplitude
    power = np.mean(np.abs(np.fft.rfft(noise, axis=-1)) ** 2, axis=(0, 1))
    assert np.fft.rfftfreq(SMALL[2], 0.004)[power.argmax()] == pytest.approx(peak_hz, abs=5)


def test_noise_has_the_stated_strength():
    """The same rocks with and without noise differ by the ratio asked for."""
    clean = model_survey(SMALL, signal_to_noise=np.inf).amplitude
    noisy = model_survey(SMALL, signal_to_noise=2.0).amplitude
    # For independent noise of strength 1/r, the correlation is 1 / sqrt(1 + 1/r^2).
    assert np.corrcoef(clean.ravel(), noisy.ravel())[0, 1] == pytest.approx(1 / np.sqrt(1.25), abs=0.01)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_facies_has_its_own_character(seed: int):
    """A network can tell facies apart by texture: strength and continuity differ, foresets dip."""
    survey = model_survey(seed=seed)
    inside = _interior(survey.labels)
    strength = [float(np.sqrt(np.mean(survey.amplitude[inside == facies] ** 2))) for facies in range(6)]
    assert min(strength[CHALK], strength[CHANNEL], strength[DELTAIC]) > 2 * max(strength[SHALE], strength[SALT])

    lags = list(range(-4, 5))
    alike = np.array(
        [[_likeness(survey.amplitude, inside == facies, traces=4, lag=lag) for lag in lags] for facies in range(6)]
    )
    continuity = alike.max(axis=1)  # along the best dip
    assert continuity[OVERBURDEN] > 0.75
    assert max(continuity[CHANNEL], continuity[SALT]) < 0.25  # chaotic
    assert min(continuity[DELTAIC], continuity[SHALE], continuity[CHALK]) > 0.3  # layered
    assert lags[alike[OVERBURDEN].argmax()] == 0
    assert lags[alike[DELTAIC].argmax()] > 0


@pytest.mark.parametrize("shape", [(8, 16, 32), (32, 32, 32), (20, 90, 40)])
def test_small_surveys_have_every_facies(shape: tuple[int, int, int]):
    """Tests elsewhere use surveys as small as they can."""
    survey = model_survey(shape, 1)
    assert np.isfinite(survey.amplitude).all()
    assert np.unique(survey.labels).tolist() == [0, 1, 2, 3, 4, 5]


def test_what_cannot_be_modelled_is_refused():
    """The message names the offending value."""
    with pytest.raises(SurveyError, match=r"\(4, 128, 128\)"):
        model_survey((4, 128, 128))
    with pytest.raises(SurveyError, match=r"90\.0 Hz"):
        model_survey(SMALL, wavelet_hz=90.0)
    with pytest.raises(SurveyError, match=r"500\.0 ms"):
        model_survey(SMALL, throw_ms=500.0)
    with pytest.raises(SurveyError, match="signal-to-noise ratio of 0"):
        model_survey(SMALL, signal_to_noise=0)


def test_memory_volume_gives_sections(survey: SyntheticSurvey):
    """Sections of an array read as those of a file: sample axis down, either orientation, by line number."""
    amplitude, labels = (MemoryVolume(values, survey.geometry) for values in (survey.amplitude, survey.labels))
    inline, crossline = amplitude.section(Orientation.INLINE, 107), labels.section(Orientation.CROSSLINE, 311)
    np.testing.assert_array_equal(inline.values, survey.amplitude[7].T)
    np.testing.assert_array_equal(crossline.values, survey.labels[:, 11].T)
    assert (amplitude.dtype, labels.dtype) == (np.float32, np.uint8)
    assert (str(amplitude.path), amplitude.encoding) == ("(in memory)", "in memory")
    with pytest.raises(SurveyError, match="no inline 99"):
        amplitude.section(Orientation.INLINE, 99)


def test_survey_reads_as_a_labelled_volume(survey: SyntheticSurvey):
    """It takes the place of a pair of files."""
    section, indices = survey.labelled().section(Orientation.CROSSLINE, 427)
    assert section.name == "XL 427"
    np.testing.assert_array_equal(section.values, survey.amplitude[:, 127].T)
    np.testing.assert_array_equal(indices, survey.labels[:, 127].T)


def test_memory_volume_silences_dead_traces():
    """Dead traces are zero in a section; the array itself stays as it was."""
    live = np.array([[True, False], [True, True], [False, True]])
    geometry = Geometry(np.arange(3, dtype=np.int32), np.arange(2, dtype=np.int32), 4, 4.0, 0.0, live)
    values = np.ones((3, 2, 4), np.float32)
    volume = pickle.loads(pickle.dumps(MemoryVolume(values, geometry, path=Path("ones"))))
    section = volume.section(Orientation.CROSSLINE, 0)
    assert section.values.tolist() == [[1, 1, 0]] * 4
    assert section.live.tolist() == [True, True, False]
    volume.section(Orientation.INLINE, 0).values[:] = 9
    assert volume.values.min() == volume.values.max() == 1


def test_memory_volume_refuses_another_axis_order():
    """An array [sample, inline, crossline] would otherwise be cut the wrong way."""
    geometry = Geometry.complete(range(3), range(2), 4)
    with pytest.raises(SurveyError, match=r"seen: the array has shape \(4, 3, 2\), its geometry \(3, 2, 4\)"):
        MemoryVolume(np.zeros((4, 3, 2)), geometry, path=Path("seen"))


def _mean_iou(truth: np.ndarray, guess: np.ndarray) -> float:
    pairs = [(truth == facies, guess == facies) for facies in range(6)]
    return float(np.mean([(one & other).sum() / (one | other).sum() for one, other in pairs]))


def _interior(labels: np.ndarray, margin: int = 5) -> np.ndarray:
    """Labels int[inline, crossline, sample]; -1 near a boundary, because its reflection is not texture."""
    inside = labels.astype(int)
    for shift in range(-margin, margin + 1):
        inside[np.roll(labels, shift, axis=-1) != labels] = -1
    inside[..., :margin] = inside[..., -margin:] = -1
    return inside


def _likeness(amplitude: np.ndarray, inside: np.ndarray, traces: int, lag: int) -> float:
    """Correlation of voxels with those `traces` crosslines on and `lag` samples down, both inside."""
    here = (slice(None), slice(None, -traces))
    there = (slice(None), slice(traces, None))
    moved, moved_inside = np.roll(amplitude, -lag, axis=-1)[there], np.roll(inside, -lag, axis=-1)[there]
    both = inside[here] & moved_inside
    return float(np.corrcoef(amplitude[here][both], moved[both])[0, 1])
