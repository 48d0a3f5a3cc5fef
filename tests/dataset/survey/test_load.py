"""Many raters at once, and a server killed under them."""

import signal
import time
from pathlib import Path

from tests.dataset.survey.load import RATERS, crowd_at, stored
from tests.dataset.survey.server import Client, serving
from tests.dataset.survey.surveys import codes, make_survey


def test_a_server_killed_under_load_has_every_answer_it_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 100)
    invited = codes(folder, RATERS)
    with serving(folder) as server, crowd_at(server, invited) as crowd:
        while len(crowd.acknowledged) <= 3 * RATERS:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(20)
    kept = stored(folder)
    assert len(kept) == len(set(kept)) == len({(rater, sample) for rater, sample, *_ in kept})
    assert set(crowd.acknowledged) <= set(kept)
    assert len(kept) - len(crowd.acknowledged) <= RATERS  # at most one in flight of each
    with serving(folder) as server:  # and they go on where they stopped
        client = Client(server.port)
        assert client.enter(invited[0]).status == 303
        done = sum(rater == 1 for rater, *_ in kept)
        assert f"{done} of 100 answered" in client.get(client.get("/next").place).text
        client.close()
