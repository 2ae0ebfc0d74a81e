"""A seed goes in, a forward-modelled survey comes out: amplitudes, and the facies that an interpreter should find.

The geology is laid down in the order in which it happens: beds are deposited, each unit eroding what lies below,
channels are cut and filled, salt pierces the pile, faults break it. Each facies has a seismic character of its own
(strength, thickness, continuity and dip of its beds), so it is told apart by texture and not by depth alone. Rocks
become amplitudes by the convolutional model (Robinson & Treitel 1980): impedance, reflectivity, wavelet, noise.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labelled import LabelledVolume, labelled
from sam_seismic.survey.memory import MemoryVolume

Field = NDArray[np.float32]
Shape = tuple[int, int, int]

NAME = Path("the synthetic survey")  # stands where others name their file

SMALLEST: Shape = (8, 16, 32)
"""Inlines, crosslines and samples below which the geology no longer fits."""


@dataclass(frozen=True, eq=False)
class SyntheticSurvey:
    """A survey whose facies are known.

    Args:
        amplitude: float32[inline, crossline, sample], root mean square 1.
        labels: uint8[inline, crossline, sample], class indices of `facies`.
        geometry: the grid of both.
        facies: the classes, shallow to deep.
    """

    amplitude: Field
    labels: NDArray[np.uint8]
    geometry: Geometry
    facies: FaciesTable

    def labelled(self) -> LabelledVolume:
        """Amplitudes and labels as volumes in memory."""
        amplitude, labels = (MemoryVolume(values, self.geometry, path=NAME) for values in (self.amplitude, self.labels))
        return labelled(amplitude, labels, self.facies)


@dataclass(frozen=True)
class Character:
    """How a facies looks on a section.

    Args:
        name: of the facies.
        impedance: mean acoustic impedance, 1e6 kg/(m2 s).
        contrast: standard deviation of its beds' impedance, as a share of the mean.
        bed_ms: mean thickness of its beds in two-way time, ms.
        chaos_ms: how far its beds are torn up or down from where they belong, standard deviation, ms.
        patch: traces over which that tearing is alike; short and strong is chaotic, long and weak is undulating.
    """

    name: str
    impedance: float
    contrast: float
    bed_ms: float
    chaos_ms: float
    patch: float


OVERBURDEN = Character("overburden", 4.4, contrast=0.03, bed_ms=17, chaos_ms=1.5, patch=12)
DELTAIC = Character("deltaic", 4.9, contrast=0.04, bed_ms=22, chaos_ms=4, patch=8)
CHANNEL = Character("channel", 5.1, contrast=0.1, bed_ms=17, chaos_ms=30, patch=2.5)
SHALE = Character("shale", 4.8, contrast=0.015, bed_ms=13, chaos_ms=3, patch=10)
CHALK = Character("chalk", 5.9, contrast=0.075, bed_ms=32, chaos_ms=1.5, patch=14)
SALT = Character("salt", 6.8, contrast=0.012, bed_ms=24, chaos_ms=50, patch=3)
CHARACTERS = (OVERBURDEN, DELTAIC, CHANNEL, SHALE, CHALK, SALT)
"""The facies in the order of their class indices."""


def model_survey(
    shape: Shape = (96, 128, 128),
    seed: int = 0,
    *,
    wavelet_hz: float = 30.0,
    signal_to_noise: float = 5.0,
    throw_ms: float = 40.0,
    sample_interval_ms: float = 4.0,
) -> SyntheticSurvey:
    """A survey with folded layers, clinoforms, an unconformity, onlap, two channels, a salt wall and two faults.

    Layers, channels and salt scale with `shape`; the beds inside them do not.

    Args:
        shape: (inlines, crosslines, samples).
        seed: the same seed gives the same survey.
        wavelet_hz: peak frequency of the Ricker wavelet.
        signal_to_noise: root mean square of the signal over that of the noise.
        throw_ms: largest throw of the main fault, ms; 0 for no faults, at most a third of the record.
        sample_interval_ms: two-way time between samples.

    Raises:
        SurveyError: the shape, the wavelet, the throw or the noise cannot be modelled.
    """
    _check(shape, wavelet_hz, throw_ms, sample_interval_ms)
    if not signal_to_noise > 0:
        raise SurveyError(problem=f"a signal-to-noise ratio of {signal_to_noise}", fix="choose one above 0, such as 5")
    surfaces, faults, beds, noise = np.random.default_rng(seed).spawn(4)
    time = _time_before_faulting(faults, shape, throw_ms / sample_interval_ms)
    labels, impedance = _deposit(_lay_out(surfaces, shape), beds, time, sample_interval_ms)
    amplitude = _record(noise, impedance, ricker(wavelet_hz, sample_interval_ms), signal_to_noise)
    geometry = Geometry.complete(
        range(100, 100 + shape[0]), range(300, 300 + shape[1]), shape[2], sample_interval_ms=sample_interval_ms
    )
    return SyntheticSurvey(amplitude, labels, geometry, FaciesTable(tuple(facies.name for facies in CHARACTERS)))


def ricker(peak_hz: float, sample_interval_ms: float) -> Field:
    """The zero-phase wavelet of Ricker (1953), peak amplitude 1: float32[sample], of odd length."""
    half = int(np.ceil(1500.0 / peak_hz / sample_interval_ms))  # 1.5 periods: beyond, it is below 1e-7
    phase = (np.pi * peak_hz * np.arange(-half, half + 1) * sample_interval_ms / 1000.0) ** 2
    return np.asarray((1 - 2 * phase) * np.exp(-phase), np.float32)


def _check(shape: Shape, wavelet_hz: float, throw_ms: float, interval_ms: float) -> None:
    if any(size < least for size, least in zip(shape, SMALLEST, strict=True)):
        raise SurveyError(problem=f"a synthetic survey of {shape} is too small", fix=f"make it at least {SMALLEST}")
    highest = 250 / interval_ms  # half of Nyquist: a Ricker wavelet reaches to about twice its peak frequency
    if not 0 < wavelet_hz <= highest:
        raise SurveyError(
            problem=f"a wavelet of {wavelet_hz} Hz cannot be sampled every {interval_ms} ms",
            fix=f"choose a peak frequency above 0 and up to {highest:g} Hz",
        )
    largest = shape[2] * interval_ms / 3  # beyond, the rocks beside a fault would fold over
    if not 0 <= throw_ms <= largest:
        raise SurveyError(problem=f"a fault's throw of {throw_ms} ms", fix=f"choose one from 0 to {largest:.0f} ms")


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], lengths: tuple[float, ...]) -> Field:
    """Gaussian noise of unit variance at each point, alike over `lengths` points along each axis: float32[shape].

    Coarse white noise is spread by one Gaussian kernel an axis, each row of which has unit length.
    """
    kernels = []
    for points, length in zip(shape, lengths, strict=True):
        centres = np.arange(-3 * length, points + 3 * length, max(1.0, length / 2))
        kernel = np.exp(-0.5 * ((np.arange(points)[:, None] - centres) / length) ** 2)  # [point, centre]
        kernels.append((kernel / np.linalg.norm(kernel, axis=1, keepdims=True)).astype(np.float32))
    field = rng.standard_normal([kernel.shape[1] for kernel in kernels], dtype=np.float32)
    for axis, kernel in enumerate(kernels):
        field = np.moveaxis(np.tensordot(kernel, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def _relief(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> Field:
    """A smooth curve or surface from -1 to 1, alike over a `share` of the survey: float32[shape]."""
    field = _correlated(rng, shape, tuple(share * size for size in shape))
    low, high = field.min(), field.max()
    return np.asarray(2 * (field - low) / (high - low) - 1, np.float32)


def _time_before_faulting(rng: np.random.Generator, shape: Shape, throw: float) -> Field:
    """Where each voxel lay before two normal faults moved it, in samples: float32[inline, crossline, sample].

    The faults dip towards each other. Their throw, at most `throw` samples, changes along strike and dies out upwards
    and away from the fault.
    """
    inlines, crosslines, samples = shape
    _, crossline, time = np.ogrid[:inlines, :crosslines, :samples]
    grown = np.clip((time / samples - 0.12) / 0.45, 0, 1)
    moved = np.zeros(shape, np.float32)
    for position, side, size in ((0.16, 1, 1.0), (0.5, -1, 0.6)):
        strike = 0.05 * crosslines * _relief(rng, (inlines,), 0.4)[:, None, None]
        swell = 0.65 + 0.35 * _relief(rng, (inlines,), 0.3)[:, None, None]  # 0.3 to 1
        plane = position * crosslines + strike + side * (time - samples / 2) / 3.5
        ahead = side * (crossline - plane)  # traces into the hanging wall
        fading = np.exp(-np.maximum(ahead, 0) / (0.35 * crosslines))
        moved += np.where(ahead > 0, size * throw * swell * grown * fading, 0).astype(np.float32)
    return np.asarray(time - moved, np.float32)


@dataclass(frozen=True, eq=False)
class _Structure:
    """The surfaces between the rocks, in samples before faulting: each float32[inline, crossline, 1]."""

    delta: Field
    unconformity: Field
    chalk: Field
    salt: Field
    canyons: tuple[tuple[Field, Field], ...]  # (rim, floor) each; outside a canyon its floor is above its rim


def _lay_out(rng: np.random.Generator, shape: Shape) -> _Structure:
    """Draw the surfaces: folds, a regional tilt along the inlines, a salt wall that domes what it does not pierce."""
    inlines, crosslines, samples = shape
    broad, tight, middle, shallow = (_relief(rng, (inlines, crosslines), share) for share in (0.2, 0.12, 0.15, 0.15))
    tilt = np.linspace(-1, 1, inlines)[:, None] * rng.choice((-1, 1))
    crossline = np.arange(crosslines) / crosslines

    def along(mean: float, swing: float, share: float) -> NDArray[np.float64]:
        return mean + swing * _relief(rng, (inlines,), share)[:, None].astype(np.float64)

    from_axis = crossline - along(rng.uniform(0.76, 0.84), 0.05, 0.25)
    wall = along(0.27, 0.1, 0.2) * np.exp(-((from_axis / 0.075) ** 4))
    dome = np.exp(-((from_axis / 0.14) ** 2))
    top_chalk = 0.67 + 0.03 * tilt + 0.08 * broad + 0.025 * tight - 0.07 * dome
    top_salt = np.minimum(top_chalk + 0.17 + 0.04 * tight + 0.05 * dome, 0.93) - wall
    unconformity = 0.45 - 0.03 * tilt + 0.065 * middle - 0.05 * dome
    top_delta = unconformity - 0.2 + 0.06 * shallow

    canyons = []
    for position, rim in ((0.22, top_delta + 0.03), (0.52, unconformity - 0.02)):
        across = (crossline - along(position, 0.1, 0.12)) / along(0.14, 0.025, 0.2)
        canyons.append((rim, rim + along(0.15, 0.03, 0.2) * (1 - across**2)))

    def deep(share: NDArray[np.float64]) -> Field:
        return np.asarray(share * samples, np.float32)[..., None]  # [inline, crossline, 1]

    cuts = tuple((deep(rim), deep(floor)) for rim, floor in canyons)
    return _Structure(deep(top_delta), deep(unconformity), deep(top_chalk), deep(top_salt), cuts)


def _deposit(
    structure: _Structure, rng: np.random.Generator, time: Field, interval_ms: float
) -> tuple[NDArray[np.uint8], Field]:
    """Time before faulting, in samples -> labels uint8 and acoustic impedance float32: [inline, crossline, sample]."""
    delta, unconformity, chalk, salt = structure.delta, structure.unconformity, structure.chalk, structure.salt
    # Old to young: facies, samples inside its boundary, depth along its own bedding in samples.
    deposits = [
        (CHALK, np.full_like(time, np.inf), time - chalk),
        (SHALE, chalk - time, time - chalk),  # beds follow the folded chalk, so the unconformity cuts them off
        (DELTAIC, unconformity - time, _clinoforms(time, delta, unconformity)),
        (OVERBURDEN, delta - time, time - 0.15 * delta),  # nearly flat beds: they onlap the relief below
    ]
    for rim, floor in structure.canyons:
        deposits.append((CHANNEL, np.minimum(time - rim, floor - time), time - 0.6 * np.maximum(floor, rim)))
    deposits.append((SALT, time - salt, time - salt))

    labels = np.zeros(time.shape, np.uint8)
    impedance = np.zeros_like(time)
    for facies, inside, bedding in deposits:
        labels[inside > 0] = CHARACTERS.index(facies)
        # Partial cover of the voxel at a boundary: without it, reflections would step by whole samples.
        impedance += np.clip(inside + 0.5, 0, 1) * (_rock(rng, facies, bedding, interval_ms) - impedance)
    return labels, impedance


def _clinoforms(time: Field, top: Field, base: Field) -> Field:
    """Sigmoidal bedding that progrades along the crosslines: depth along it, float32[inline, crossline, sample]."""
    thickness = np.maximum(base - top, 1)
    height = np.clip((time - top) / thickness, 0, 1) - 0.5
    foreset = 0.6 * np.arange(time.shape[1]) + 0.2 * np.arange(time.shape[0])[:, None]  # samples: how far it dips
    return np.asarray(thickness * (height + 4 * height**3) - foreset[..., None], np.float32)


def _rock(rng: np.random.Generator, facies: Character, bedding: Field, interval_ms: float) -> Field:
    """Acoustic impedance of a facies, as if it filled the survey: float32[inline, crossline, sample].

    `bedding` has that shape too: the depth along the facies' own bedding, in samples.
    """
    fine = 4  # steps of the bed sequence a sample
    steps = 4 * fine * bedding.shape[-1]
    thickness = facies.bed_ms / interval_ms * fine
    boundaries = np.cumsum(thickness * (0.5 + 0.5 * rng.exponential(size=int(2 * steps / thickness))))
    bed = np.searchsorted(boundaries, np.arange(steps))
    hardness = np.where(bed % 2, 1, -1) * rng.uniform(0.3, 1.6, size=len(boundaries) + 1)[bed]  # hard on soft on hard
    sequence = np.convolve(hardness, np.full(fine, 1 / fine), mode="same").astype(np.float32)
    torn = _correlated(rng, bedding.shape, (facies.patch, facies.patch, 16 / interval_ms))
    position = (bedding + torn * np.float32(facies.chaos_ms / interval_ms)) * fine
    beds = np.take(sequence, position.astype(np.int32), mode="wrap")
    return np.asarray(facies.impedance * (1 + facies.contrast * beds), np.float32)


def _record(rng: np.random.Generator, impedance: Field, wavelet: Field, signal_to_noise: float) -> Field:
    """Impedance -> amplitudes of root mean square 1, both float32[inline, crossline, sample]."""
    above = np.concatenate([impedance[..., :1], impedance[..., :-1]], axis=-1)
    reflectivity = (impedance - above) / (impedance + above)
    for _ in range(2):  # migrated data resolve no single trace: smear over a Fresnel zone of three by three
        sides = np.pad(reflectivity, ((1, 1), (0, 0), (0, 0)), mode="edge")
        smeared = 0.5 * reflectivity + 0.25 * (sides[2:] + sides[:-2])
        reflectivity = smeared.swapaxes(0, 1)  # along the crosslines next, then back to [inline, crossline, sample]
    inline, crossline, time = np.ogrid[tuple(slice(size) for size in impedance.shape)]
    stripes = np.cos(2 * np.pi * inline / 8) * np.cos(2 * np.pi * crossline / 6)  # acquisition footprint
    gain = np.exp(-0.5 * time / time.size) * (1 + 0.08 * stripes * np.exp(-4 * time / time.size))
    signal = _convolve(reflectivity, wavelet) * gain.astype(np.float32)
    noise = _convolve(_correlated(rng, impedance.shape, (0.7, 0.7, 0.3)), wavelet)
    recorded = signal / _rms(signal) + noise / (_rms(noise) * signal_to_noise)
    return np.asarray(recorded / _rms(recorded), np.float32)


def _convolve(traces: Field, wavelet: Field) -> Field:
    """Traces with a symmetric wavelet, float32[inline, crossline, sample]."""
    half = len(wavelet) // 2
    padded = np.pad(traces, ((0, 0), (0, 0), (half, half)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, len(wavelet), axis=-1) @ wavelet, np.float32)


def _rms(values: Field) -> np.float32:
    return np.float32(np.sqrt(np.mean(values**2)))
