import json
from collections import Counter

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.core.distribution import arrange, is_distributed, processes
from zaffre.spec.common import Distribution


def of(kind: str, instances: int = 1, **fields: object) -> dict[str, object]:
    return {"instances": instances, "distribution": {"type": kind, **fields}}


def test_a_plain_step_is_not_distributed() -> None:
    assert not is_distributed({"kind": "command", "distribution": None, "instances": 1})
    assert processes({}) == 1


def test_pytorch_numbers_processes_by_node() -> None:
    arranged = arrange(of("pytorch", 2, process_count_per_instance=2))
    seen = [tuple(rank.variables[name] for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "AZUREML_CR_NODE_RANK"))
            for rank in arranged.ranks]  # fmt: skip
    assert seen == [("0", "0", "0", "0"), ("1", "1", "0", "0"), ("2", "0", "1", "1"), ("3", "1", "1", "1")]
    assert arranged.ports == 1
    for number, rank in enumerate(arranged.ranks):
        assert rank.variables["WORLD_SIZE"] == "4"
        assert rank.variables["LOCAL_WORLD_SIZE"] == "2"
        assert rank.variables["MASTER_ADDR"] == "127.0.0.1"
        assert rank.variables["AZUREML_PROCESS_NAME"] == f"rank_{number}"


def test_instances_without_distribution_are_one_process_each() -> None:
    arranged = arrange({"instances": 3})
    assert [rank.variables["RANK"] for rank in arranged.ranks] == ["0", "1", "2"]
    assert {rank.variables["LOCAL_WORLD_SIZE"] for rank in arranged.ranks} == {"1"}


def test_mpi_has_the_names_of_open_mpi() -> None:
    last = arrange(of("mpi", 2, process_count_per_instance=3)).ranks[-1].variables
    assert last["OMPI_COMM_WORLD_RANK"] == "5"
    assert last["OMPI_COMM_WORLD_SIZE"] == "6"
    assert last["OMPI_COMM_WORLD_LOCAL_RANK"] == "2"
    assert last["OMPI_COMM_WORLD_LOCAL_SIZE"] == "3"
    assert last["AZ_BATCHAI_MPI_MASTER_NODE"] == "127.0.0.1"
    assert "RANK" not in last  # torch would believe it


def test_tensorflow_gives_each_task_an_address_of_its_own() -> None:
    arranged = arrange(of("tensorflow", 2, worker_count=4, parameter_server_count=2))
    configs = [json.loads(rank.variables["TF_CONFIG"]) for rank in arranged.ranks]
    assert [config["task"] for config in configs] == [
        *({"type": "worker", "index": index} for index in range(4)),
        *({"type": "ps", "index": index} for index in range(2)),
    ]
    cluster = configs[0]["cluster"]
    assert all(config["cluster"] == cluster for config in configs)
    assert len({*cluster["worker"], *cluster["ps"]}) == arranged.ports == 6
    assert [rank.serves for rank in arranged.ranks] == [False] * 4 + [True] * 2
    assert Counter(rank.node for rank in arranged.ranks) == {0: 3, 1: 3}


def test_tensorflow_workers_are_as_many_as_instances() -> None:
    config = json.loads(arrange(of("tensorflow", 2)).ranks[1].variables["TF_CONFIG"])
    assert len(config["cluster"]["worker"]) == 2
    assert "ps" not in config["cluster"]


@pytest.mark.parametrize("written", ["pytorch", "PyTorch", "TensorFlow", "Mpi", "MPI"])
def test_types_are_read_in_any_case(written: str) -> None:
    assert Distribution.model_validate({"type": written}).type == written.lower()


def test_variables_of_the_user_win_over_the_choice_of_interface() -> None:
    step = {**of("pytorch"), "variables": {"GLOO_SOCKET_IFNAME": "eth0"}}
    variables = arrange(step).ranks[0].variables
    assert "GLOO_SOCKET_IFNAME" not in variables
    assert variables["NCCL_SOCKET_IFNAME"] == "lo"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (of("ray"), "DistributionNotOffered"),
        (of("pytorch", process_count_per_instance="${{parent.inputs.n}}"), "CountNotKnown"),
        (of("mpi", 1000, process_count_per_instance=1000), "TooManyProcesses"),
    ],
)
def test_what_cannot_run_is_refused(step: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        arrange(step)
    assert caught.value.code == code
    assert caught.value.hint
