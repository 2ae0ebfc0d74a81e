"""Slurm's environment variables are parsed, and a configuration that contradicts them is refused."""

import pytest

from sam_seismic.config import TrainerConfig
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.runs.slurm_job import SlurmJob, placement

TASK = {
    "SLURM_CLUSTER_NAME": "hpc",
    "SLURM_JOB_ID": "123",
    "SLURM_STEP_ID": "0",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NTASKS": "8",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS_PER_NODE": "4",
    "SLURM_CPUS_PER_TASK": "6",
    "SLURM_RESTART_COUNT": "1",
}


def test_a_task_reads_its_job():
    assert SlurmJob.current(TASK) == SlurmJob(
        "hpc/123", array=False, restarts=1, rank=5, local_rank=1, tasks=8, nodes=2, tasks_per_node=4, cpus=6
    )


def test_an_element_of_an_array_is_named_by_both_numbers():
    """SLURM_JOB_ID of the last element is the number of the whole array."""
    job = SlurmJob.current(TASK | {"SLURM_ARRAY_JOB_ID": "120", "SLURM_ARRAY_TASK_ID": "3"})
    assert job is not None
    assert (job.name, job.array) == ("hpc/120_3", True)


def test_outside_of_slurm_there_is_no_job():
    assert SlurmJob.current({}) is None
    # A shell from salloc with one task.
    assert SlurmJob.current({"SLURM_JOB_ID": "123", "SLURM_NTASKS": "1"}) is None


def test_several_tasks_without_srun_are_refused():
    """Lightning would wait for the other tasks forever."""
    with pytest.raises(UserError, match="granted 8 tasks, but only one process runs"):
        SlurmJob.current({"SLURM_JOB_ID": "123", "SLURM_NTASKS": "8"})


# Lightning warns where Slurm is installed; the command line suppresses the warning.
@pytest.mark.filterwarnings("ignore:The `srun` command is available")
def test_placement_follows_the_granted_resources():
    place = placement(TrainerConfig(), SlurmJob.current(TASK))
    assert (place["devices"], place["num_nodes"]) == (4, 2)
    assert [plugin.auto_requeue for plugin in place["plugins"]] == [False]
    as_granted = TrainerConfig(devices=4, num_nodes=2)
    assert placement(as_granted, SlurmJob.current(TASK))["devices"] == 4
    assert placement(TrainerConfig(), None) == {"devices": "auto", "num_nodes": 1, "plugins": []}


@pytest.mark.filterwarnings("ignore:The `srun` command is available")
@pytest.mark.follows("runs/slurm_job.py", "leave trainer.devices and trainer.num_nodes out, or ask for as much")
def test_a_configuration_that_contradicts_slurm_is_refused():
    asked = TrainerConfig(devices=[0, 1], num_nodes=3)
    with pytest.raises(ConfigError) as caught:
        placement(asked, SlurmJob.current(TASK))
    assert "trainer.devices: 2, but Slurm granted 4 tasks on each node" in caught.value.problem
    assert "trainer.num_nodes: 3, but Slurm granted 2 nodes" in caught.value.problem
    assert "--ntasks-per-node" in caught.value.fix
    assert placement(TrainerConfig(), SlurmJob.current(TASK))["devices"] == 4
    as_much = TASK | {"SLURM_NNODES": "3", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NTASKS": "6"}
    place = placement(asked, SlurmJob.current(as_much))
    assert (place["devices"], place["num_nodes"]) == (2, 3)
