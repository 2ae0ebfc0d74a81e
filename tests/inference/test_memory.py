"""A volume need not fit in memory: predicting 20 GB needs memory only for the sections that are being processed.

The volume is a sparse file of zeros, and no space is reserved for the results, so the test needs hardly any disk. Only
some of the 2000 crosslines and some of the 2000 inlines are predicted, since every line is processed in the same way.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

LIMIT = 1.5 * 2**30
SHAPE = (2000, 2000, 1250)
PREDICTING = """
import json, os, resource, sys
from pathlib import Path
import numpy as np, torch
from sam_seismic.config import DataConfig, InputConfig, SamConfig, ReadOptions
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.inference import (
    Confidence, Entropy, Facies, FaciesIndex, Output, PredictionJob, Probability, RankExchange, predict_volume
)
from sam_seismic.networks import build_network
from sam_seismic.files import resume_journal as journals
from sam_seismic.survey import result
from sam_seismic.survey.arrays import ArrayResult
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.files.resume_journal import Journal
from sam_seismic.survey.geometry import Orientation
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation

def sparse(file, size, **_):
    file.truncate(file.tell() + size)

import sam_seismic.inference.merge, sam_seismic.survey.arrays.result, sam_seismic.survey.horizons
for module in (sam_seismic.inference.merge, sam_seismic.survey.arrays.result, sam_seismic.survey.horizons):
    module.reserve = sparse
journals.SECONDS = 0
torch.set_num_threads(1)
folder, sections, classes = Path(sys.argv[1]), int(sys.argv[2]), 6
facies = FaciesTable(tuple("abcdef"))
metadata = CheckpointMetadata(
    data=DataConfig(source="synthetic"), inputs=InputConfig(side=64, fit="resize"),
    model=SamConfig(size="vit_t", weights="random"), facies=facies, scale=AmplitudeScale(center=0.0, clip=1.0),
    split=(), weights_hash=None, version="0",
)
task = FaciesSegmentation(build_network(metadata.model, 6), metadata).eval()
with torch.inference_mode():
    task(torch.zeros(2, 3, 64, 64))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

own = peak()
volume = open_volume(folder / "amplitude.npy", ReadOptions(axes="inline,crossline,sample"))
job = PredictionJob(task, volume, tuple(Orientation), batch_size=2)
peaks = []

def stop(done, total):
    peaks[-1].append((done - first, peak()))
    if done - first >= sections:
        raise KeyboardInterrupt

for part in (Orientation.CROSSLINE, Orientation.INLINE):
    resume = part is Orientation.INLINE
    first = len(volume.lines(Orientation.CROSSLINE)) if resume else 0
    peaks.append([])
    if resume:  # as if all crosslines were finished
        with (folder / ".facies.npy.journal").open("a") as file:
            file.write(f"{first}\\n")
    try:
        with Journal([folder / "facies.npy"], {}, steps=job.sections, resume=resume) as journal:
            given = dict(geometry=volume.geometry, overwrite=False, start=journal.start, null=-1)
            float32 = np.dtype(np.float32)
            outputs = [
                Output(ArrayResult(folder / "facies.npy", np.dtype(np.int8), **given), Facies(facies)),
                Output(ArrayResult(folder / "probability.npy", float32, **given), Probability(0)),
                Output(ArrayResult(folder / "confidence.npy", float32, **given), Confidence()),
                Output(ArrayResult(folder / "entropy.npy", float32, **given), Entropy()),
                Output(
                    HorizonTable(folder / "h.csv", volume, facies, overwrite=False, start=journal.start), FaciesIndex()
                ),
            ]
            journal.claim()
            for output in outputs:
                output.result.__enter__()
            exchange = RankExchange(folder / "facies.npy")
            predict_volume(job, outputs, journal=journal, exchange=exchange, progress=stop)
    except KeyboardInterrupt:
        pass
print(json.dumps({"own": own, "peaks": peaks, "finished": journal.finished}))
"""


def test_twenty_gigabytes(tmp_path: Path):
    with (tmp_path / "amplitude.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": SHAPE}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * int(np.prod(SHAPE)))
    assert (tmp_path / "amplitude.npy").stat().st_size > 20e9
    command = [sys.executable, "-c", PREDICTING, str(tmp_path), "12"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert 2000 + 12 <= found["finished"] <= 2000 + 12 + 4, "up to two more batches were being written"
    for peaks in found["peaks"]:
        early = max(peak for done, peak in peaks if done <= 6)  # with sections read ahead, and waiting to be written
        late = max(peak for _, peak in peaks)
        assert late - found["own"] < LIMIT
        assert late - early < 128 * 2**20, "memory does not grow from line to line"
