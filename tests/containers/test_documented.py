"""Every command of docs/deploy.md is found; it is run, or a reason is given."""

import os
from pathlib import Path

import pytest

from tests.containers.documented import NEEDS, PAGE, blocks, run_block, why_not

COMMANDS = [command for block in blocks(PAGE.read_text()) for command in block]


def test_commands_are_whole() -> None:
    assert len(COMMANDS) > 20
    assert sum(command.startswith("for name in") for command in COMMANDS) == 1
    assert any("--from-literal=flower-user" in command for command in COMMANDS)
    assert not any(command.startswith(("#", "--")) for command in COMMANDS)


def test_with_everything_at_hand_only_what_no_machine_has_is_left_out() -> None:
    left_out = {why_not(command, cluster=True, engine=True) for command in COMMANDS}
    assert left_out - {""} == {reason for _, reason in NEEDS}
    assert why_not("kubectl get pods", cluster=False, engine=True) == "no cluster answers"
    assert why_not("docker build .", cluster=True, engine=False) == "neither docker nor podman"


@pytest.mark.parametrize("failing", [False, True])
def test_a_block_is_one_shell_and_ends_at_its_first_failure(failing: bool, tmp_path: Path) -> None:
    commands = ["word=said", "kubectl get pods", "false" if failing else "true", 'echo "$word" > file']
    outcomes = run_block(commands, os.environ, tmp_path, cluster=False)
    assert [one.was_run for one in outcomes] == [True, False, True, not failing]
    assert outcomes[1].reason == "no cluster answers"
    if failing:
        assert outcomes[2].reason == "exit code 1"
        assert outcomes[3].reason == "an earlier command failed"
    else:
        assert (tmp_path / "file").read_text() == "said\n"
        assert not any(one.reason for one in outcomes if one.was_run)
