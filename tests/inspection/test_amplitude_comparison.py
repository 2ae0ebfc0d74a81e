"""Amplitudes unlike those of the training are told, each kind in its own words; other lines of the survey are not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, InputConfig, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.datamodule import fit_amplitudes_on_part
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.amplitude_comparison import MeasuredAmplitudes, differences, measure_amplitudes
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.tasks.checkpoint import CheckpointMetadata

Amplitudes = NDArray[np.floating]
PERCENTILE = InputConfig().clip_percentile
FACIES = FaciesTable(("sand", "shale"))


def trained_on(values: Amplitudes, lines: range, geometry: Geometry) -> CheckpointMetadata:
    """What a checkpoint says after a training on some inlines."""
    volume = MemoryVolume(values, geometry)
    labels = MemoryVolume(np.zeros(values.shape, np.uint8), geometry)
    refs = tuple(SectionRef(Orientation.INLINE, int(geometry.inlines[line])) for line in lines)
    found = fit_amplitudes_on_part(Part("train", labelled(volume, labels, FACIES), refs), PERCENTILE)
    return CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(),
        model=SamConfig(size="vit_t", weights="random"),
        facies=FACIES,
        scale=found.scale,
        split=(),
        weights_hash=None,
        version="0",
        amplitudes=found.distribution,
        sample_interval_ms=geometry.sample_interval_ms,
    )


@pytest.fixture(scope="module")
def survey() -> SyntheticSurvey:
    return model_survey((40, 48, 64), 2)


@pytest.fixture(scope="module")
def metadata(survey: SyntheticSurvey) -> CheckpointMetadata:
    """Of a training on the first 24 inlines."""
    return trained_on(survey.amplitude, range(24), survey.geometry)


def measured(values: Amplitudes, geometry: Geometry | None = None) -> MeasuredAmplitudes:
    inlines, crosslines, samples = values.shape
    return measure_amplitudes(
        [MemoryVolume(values, geometry or Geometry.complete(range(inlines), range(crosslines), samples))], PERCENTILE
    )


def told(values: Amplitudes, metadata: CheckpointMetadata, *, rescaled: bool = False) -> list[str]:
    return differences(measured(values), metadata, rescaled=rescaled)


def in_8_bits(values: Amplitudes) -> Amplitudes:
    low, high = values.min(), values.max()
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_other_lines_of_the_survey_are_no_news(seed: int):
    """All of it, each of its inlines and crosslines alone, and all of it with a damaged trace, padded with zeros."""
    survey = model_survey((40, 48, 64), seed)
    values = survey.amplitude
    metadata = trained_on(values, range(24), survey.geometry)
    padded = np.zeros((40, 200, 64), np.float32)
    padded[:, 30:78] = values
    padded[:, 100, 3] = np.nan  # which is refused when it is predicted
    for some in (values, padded, *np.split(values, 40), *np.split(values, 48, axis=1)):
        assert told(some, metadata) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values / 1000,
        lambda values: values * 2.5,
        lambda values: values / 2.5,
        lambda values: values + 1,
        in_8_bits,
        lambda values: np.rint(values * 2000).astype(np.int16),
    ],
    ids=["small", "large", "smaller", "shifted", "8 bits", "16 bits"],
)
def test_another_scale_or_center_is_told_with_both_numbers_and_rescaled(
    survey: SyntheticSurvey, metadata: CheckpointMetadata, change: Callable[[Amplitudes], Amplitudes]
):
    values = survey.amplitude
    other, found = change(values), measured(change(values))
    note = differences(found, metadata, rescaled=False)[0]
    assert note.startswith("AMPLITUDES UNLIKE THOSE OF THE TRAINING: (in memory) (all 40 inlines) has ")
    assert f"the training had 0 +- {metadata.scale.clip:.4g}" in note
    assert "--rescale" in note
    assert not any("--rescale" in each for each in differences(found, metadata, rescaled=True))
    own = measured(values).scale
    np.testing.assert_allclose(found.scale.apply(other), own.apply(values), atol=0.03)


def test_the_numbers_of_a_note_are_those_of_the_volume(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    values = survey.amplitude[:, :32] / 1000  # what is drawn is all of it
    clip = np.percentile(np.abs(values), PERCENTILE)
    assert f"has 0 +- {clip:.4g} (center, and 99.5th percentile" in told(values, metadata)[0]


def test_fewer_bits_are_told(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    """A float volume has as many values as samples, and 16 bits are enough for any."""
    coarse = np.rint(survey.amplitude * 16) / 16
    (note,) = told(coarse, metadata)
    assert (
        f"holds {len(np.unique(coarse))} different amplitudes, the training lines {metadata.amplitudes.levels:,}"
        in note
    )
    assert told(np.rint(survey.amplitude * 3000) / 3000, metadata) == []


def test_clipping_is_told(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    clipped = np.clip(survey.amplitude, *np.percentile(survey.amplitude, [5, 95]))
    (note,) = told(clipped, metadata)
    assert "10 % of the amplitudes of (in memory) (all 40 inlines) are clipped, of the training lines less than" in note


def test_reversed_polarity_is_told(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    """Also of lines that were not trained on, and with --rescale, which does not change it."""
    for values in (-survey.amplitude, -survey.amplitude / 1000):
        note = told(values, metadata, rescaled=True)[0]
        assert note.startswith("POLARITY REVERSED?")
        assert "multiply its amplitudes by -1" in note


def test_another_sample_interval_is_told(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    twice = replace(survey.geometry, sample_interval_ms=2.0)
    (note,) = differences(measured(survey.amplitude, twice), metadata, rescaled=False)
    assert "has 2 ms a sample, the network was trained on 4 ms: beds look 2 times as thick to it" in note
    unknown = replace(metadata, sample_interval_ms=None)
    assert differences(measured(survey.amplitude, twice), unknown, rescaled=False) == []


def test_a_checkpoint_of_an_earlier_version_knows_its_scale(survey: SyntheticSurvey, metadata: CheckpointMetadata):
    older = replace(metadata, amplitudes=None, sample_interval_ms=None)
    assert told(survey.amplitude, older) == []
    assert "0 +- " in told(survey.amplitude / 1000, older)[0]


def test_a_survey_that_was_trained_off_center_is_compared_with_its_own_median():
    """Signed amplitudes that do not lie around 0; the scale of a training keeps 0 as their center."""
    survey = model_survey((40, 48, 64), 0)
    values = survey.amplitude + 1
    metadata = trained_on(values, range(24), survey.geometry)
    assert metadata.scale.center == 0
    assert told(values, metadata) == []
    assert "--rescale" in told(survey.amplitude, metadata)[0]


def test_a_volume_of_one_value_is_refused():
    with pytest.raises(SurveyError, match=r"\(in memory\): the traces of all 5 inlines hold only the amplitude 3"):
        measured(np.full((5, 6, 7), 3.0, np.float32))


def test_every_process_finds_the_same(survey: SyntheticSurvey):
    assert measured(survey.amplitude).scale == measured(survey.amplitude.copy()).scale != AmplitudeScale(0, 1)
