import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hub.errors import StoreUnavailable
from hub.settings import Settings
from hub.store import open_database
from hub.store.embedded import EmbeddedServer

HUB = """
import sys, time
from pathlib import Path
from hub import log
from hub.settings import Settings
from hub.store import open_database
log.configure(strict=True, level="warning")
database = open_database(Settings(data_dir=Path(sys.argv[1])))
print(database.server.pid, flush=True)
time.sleep(60)
"""

TOLD = """
import sys
from pathlib import Path
from hub import log
from hub.settings import Settings
from hub.signals import heeded
from hub.store import open_database
log.configure(strict=True, level="warning")
with heeded():
    database = open_database(Settings(data_dir=Path(sys.argv[1])))
    try:
        print("open", flush=True)
        sys.stdin.read()
    finally:
        database.stop()
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def opened(folder):
    """Open the embedded database of the folder, and end it when the test is over, whatever happened."""

    def open_it():
        databases.append(open_database(Settings(data_dir=folder)))
        return databases[-1]

    databases = []
    yield open_it
    for database in databases:
        database.stop()


@pytest.fixture
def hub(folder):
    """Another process that uses the embedded server of the folder."""
    started = []

    def start():
        environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(
            [sys.executable, "-c", HUB, str(folder)], stdout=subprocess.PIPE, text=True, env=environ
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    EmbeddedServer(folder).stop()


def write(database, value):
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("create table if not exists kept (a int)")
        connection.execute("insert into kept values (%s)", [value])


def read(database):
    with psycopg.connect(database.conninfo) as connection:
        return [row[0] for row in connection.execute("select a from kept order by a")]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2] if Path(f"/proc/{pid}/stat").exists() else True


def gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_what_was_written_is_there_after_stop_and_start(opened):
    database = opened()
    write(database, 1)
    assert database.stop()
    database = opened()
    assert read(database) == [1]


def test_nobody_else_gets_at_the_data(folder, opened):
    database = opened()
    assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "postgres" / ".s.PGSQL.5432").stat().st_mode) == 0o700
    with psycopg.connect(database.conninfo) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_folders_above_are_opened_for_passing_at_most(tmp_path):
    above = tmp_path / "private"
    above.mkdir(mode=0o700)
    server = EmbeddedServer(above / "data")
    server.start()
    server.stop()
    assert stat.S_IMODE(above.stat().st_mode) & 0o066 == 0


def test_statements_and_their_values_stay_out_of_the_servers_log(folder, opened):
    database = opened()
    with psycopg.connect(database.conninfo) as connection, pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("select 'secret name', 1 / %s::int", [0])
    assert "secret name" not in (folder / "postgres" / "log").read_text()


def test_a_hub_that_was_killed_leaves_a_server_that_the_next_one_finds(hub, opened):
    process, pid = hub()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert alive(pid)
    database = opened()
    assert database.server.pid == pid
    assert database.stop()
    assert gone(pid)


def test_the_last_user_ends_the_server_and_nobody_before(hub, opened):
    process, pid = hub()
    database = opened()
    assert not database.stop()
    assert alive(pid)
    process.kill()
    process.wait()
    database = opened()
    assert database.server.pid == pid
    assert database.stop()
    assert gone(pid)


def test_two_hubs_that_start_at_once_share_one_server(hub):
    (_, one), (_, other) = hub(), hub()
    assert one == other


def test_many_may_open_it_at_once(folder, opened):
    database = opened()
    engine = database.engine()
    with engine.begin() as connection:
        for number in range(40):
            connection.exec_driver_sql(f"create table t{number} ()")
    engine.dispose()
    with ThreadPoolExecutor(6) as pool:
        for found in [pool.submit(open_database, Settings(data_dir=folder)) for _ in range(12)]:
            assert found.result().url == database.url
            assert not found.result().stop()


def test_ctrl_c_at_the_hub_does_not_reach_the_server(hub):
    process, pid = hub()
    assert os.getsid(pid) != os.getsid(process.pid)


def test_whenever_a_start_is_told_to_end_the_server_ends_with_it(folder):
    note = folder / "postgres" / "postmaster.pid"
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for seconds, ending in ((0, signal.SIGINT), (0.05, signal.SIGTERM)):
        command = [sys.executable, "-c", TOLD, str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
            while not note.exists():
                assert process.poll() is None
                time.sleep(0.001)
            time.sleep(seconds)
            process.send_signal(ending)
            assert process.wait(30) != 0
        assert not note.exists(), seconds
        assert not EmbeddedServer(folder)._listens(), seconds  # noqa: SLF001  # who could reach it, could find it


def test_a_server_that_lost_its_socket_is_ended_and_another_begun(folder, opened):
    database = opened()
    write(database, 5)
    lost = database.server.pid
    database.server.release()
    (folder / "postgres" / ".s.PGSQL.5432").unlink()
    server = EmbeddedServer(folder, silent_seconds=0.3)
    server.start()
    server.release()
    assert gone(lost)
    assert read(opened()) == [5]


def test_a_killed_server_recovers_what_was_committed(opened):
    database = opened()
    write(database, 7)
    pid = database.server.pid
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    database = opened()
    assert read(database) == [7]
    assert database.server.pid != pid


def test_a_note_that_names_somebody_elses_process_is_no_hindrance(folder, opened):
    database = opened()
    write(database, 3)
    note = folder / "postgres" / "postmaster.pid"
    text = note.read_text()
    assert database.stop()
    note.write_text(text.replace(text.splitlines()[0], str(os.getpid()), 1))
    assert read(opened()) == [3]


def test_a_path_too_long_for_a_socket_is_reached_by_a_link_and_the_socket_stays_inside(tmp_path):
    folder = tmp_path / ("long" * 30) / "with space and ' quote"
    database = open_database(Settings(data_dir=folder))
    write(database, 1)
    link = database.server.socket_dir
    assert link.is_symlink()
    assert (folder / "postgres" / ".s.PGSQL.5432").is_socket()
    assert database.stop()
    assert not link.exists()


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path):
    server = EmbeddedServer(tmp_path / ("long" * 30))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    server.socket_dir.symlink_to(elsewhere)
    try:
        with pytest.raises(StoreUnavailable, match="is not ours"):
            server.start()
    finally:
        server.socket_dir.unlink()


def test_a_first_start_cut_off_half_way_is_begun_again(folder, opened):
    half = folder / "postgres" / "new" / "base"
    half.mkdir(parents=True)
    (folder / "postgres" / "global").mkdir()
    database = opened()
    write(database, 1)
    assert read(database) == [1]


def test_a_server_that_does_not_start_is_told_with_where_to_look(folder, opened):
    database = opened()
    database.stop()
    with (folder / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("\nno_such_setting = on\n")
    with pytest.raises(StoreUnavailable, match="postgres/log"):
        EmbeddedServer(folder, start_seconds=0.3).start()


def test_the_server_listens_on_its_socket_only(opened):
    database = opened()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(database.server.socket_dir / ".s.PGSQL.5432"))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 5432)) != 0
