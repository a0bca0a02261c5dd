"""Where a workspace keeps its state and its sockets, and what the user may set.

A workspace is one data directory (`SLML_HOME`, by default below the Jupyter data directory). Its sockets live in a short
directory of their own, because the path of a unix socket ends at 107 bytes and a home directory may be on a network file
system that has no sockets.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from jupyter_slml.errors import Invalid

if TYPE_CHECKING:
    import ssl

#: Environment variable that names the workspace's data directory.
HOME_VARIABLE = "SLML_HOME"

#: Addresses that only this machine reaches.
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class InstanceSettings(BaseModel):
    """A user's own instance type, or other figures for one of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float = Field(gt=0, description="Cores; a fraction is allowed.")
    memory_gib: float = Field(gt=0, description="Memory over the start of the process.")
    gpus: int = Field(default=0, ge=0, le=64, description="GPUs, given to the job by CUDA_VISIBLE_DEVICES.")
    disk_gib: float = Field(default=32.0, gt=0, description="Scratch space of one attempt.")
    price: float = Field(default=0.0, ge=0, description="Price of one hour.")
    limit: int | None = Field(default=None, ge=1, description="How many may run at once.")


class Settings(BaseModel):
    """`settings.json` of a workspace: what `jupyter slml config` shows and sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheduler: str | None = Field(
        default=None,
        description="Address of a Dask scheduler to use (tcp://… or tls://…). Unset: our own scheduler and workers.",
    )
    store: str | None = Field(
        default=None,
        description="URL of the blob store that all workers reach (file:///shared/dir, s3://…). Unset: a local folder.",
    )
    workers: int | None = Field(default=None, ge=1, le=256, description="Worker processes of our own cluster. Unset: one.")
    gateway_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of the gateway. Unset: chosen once, then kept.",
    )
    gateway_host: str = Field(default="127.0.0.1", min_length=1, description="Address on which the gateway listens.")
    gateway_auth: bool = Field(default=True, description="Whether callers of endpoints must show a token.")
    gateway_certificate: Path | None = Field(default=None, description="Certificate chain (PEM): the gateway speaks TLS.")
    gateway_key: Path | None = Field(default=None, description="Private key of the certificate (PEM).")
    gateway_open: bool = Field(
        default=False,
        description="Allow an address other than this machine's own without TLS, or without tokens.",
    )
    gateways: int = Field(default=1, ge=1, le=16, description="Gateway processes, all on the same port.")
    user_limit: int | None = Field(default=None, ge=1, description="How many jobs of one user may run at once.")
    approval_required: bool = Field(default=False, description="Whether only approved versions may go to production.")
    cache_gib: float = Field(
        default=20.0, gt=0, description="Size of each worker host's cache of inputs; the longest unused go first."
    )
    instances: dict[str, InstanceSettings] = Field(
        default_factory=dict, description="Instance types of your own, by name (as JSON)."
    )

    @field_validator("gateway_certificate", "gateway_key")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        """The gateway runs in another directory than whoever names the file."""
        return None if value is None else value.expanduser().absolute()

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if (self.gateway_certificate is None) != (self.gateway_key is None):
            raise ValueError("gateway_certificate and gateway_key go together: give both or none")
        guarded = self.gateway_auth and self.gateway_certificate is not None
        if self.gateway_host not in LOOPBACK and not guarded and not self.gateway_open:
            raise ValueError(
                f"with gateway_host={self.gateway_host} others reach the gateway: it needs gateway_certificate, gateway_key "
                "and gateway_auth=true; or say gateway_open=true, and tokens and data can be read on the way"
            )
        return self

    def tls(self) -> ssl.SSLContext | None:
        """What the gateway shows its callers; None for plain HTTP. Raises Invalid when it cannot be used."""
        import ssl

        if self.gateway_certificate is None or self.gateway_key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Nobody is there to be asked for a passphrase.
            context.load_cert_chain(self.gateway_certificate, self.gateway_key, password=lambda: b"")
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"The certificate {self.gateway_certificate} with the key {self.gateway_key} cannot be used: "
                f"{getattr(error, 'strerror', None) or error}.",
                field="gateway_certificate",
                value=self.gateway_certificate,
                remedy="Give a certificate chain and its private key, both PEM and without a passphrase.",
            ) from error
        return context

    @property
    def gateway_reached(self) -> str:
        """The host that clients of this machine call, as a URL has it: addresses that mean every address are none."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.gateway_host, self.gateway_host)
        return f"[{host}]" if ":" in host else host


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The paths of one workspace. Making one touches nothing; `prepare()` creates the directories."""

    home: Path
    run: Path

    @property
    def id(self) -> str:
        """Short name of the workspace, unique per user and data directory."""
        return self.run.name

    @property
    def database(self) -> Path:
        return self.home / "slml.db"

    @property
    def blobs(self) -> Path:
        return self.home / "blobs"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def settings_file(self) -> Path:
        return self.home / "settings.json"

    @property
    def lock_file(self) -> Path:
        """Held by the daemon for as long as it lives (flock)."""
        return self.home / "daemon.lock"

    @property
    def daemon_file(self) -> Path:
        """Who the daemon is: pid, start time, version, socket path."""
        return self.home / "daemon.json"

    @property
    def daemon_socket(self) -> Path:
        return self.run / "daemon.sock"

    @property
    def cluster_dir(self) -> Path:
        """Scheduler file, TLS keys and pids of our own Dask cluster."""
        return self.home / "cluster"

    @property
    def gateway_dir(self) -> Path:
        """Routing snapshot, token and identity of the gateway."""
        return self.home / "gateway"

    @property
    def gateway_socket(self) -> Path:
        """Where replicas (and the daemon) connect to the first gateway."""
        return self.gateway_sockets(1)[0]

    def gateway_sockets(self, count: int) -> list[Path]:
        """The same of each of so many gateways."""
        return [self.run / ("gateway.sock" if number == 0 else f"gateway-{number}.sock") for number in range(count)]

    def gateway_file(self, number: int = 0) -> Path:
        """Who a gateway is: port, pid, start time, where it is reached, and with TLS its certificate."""
        return self.gateway_dir / ("gateway.json" if number == 0 else f"gateway-{number}.json")

    @property
    def runner_socket(self) -> Path:
        """Where the runner listens when it is on this host."""
        return self.run / "runner.sock"

    @property
    def requests(self) -> Path:
        """The request logs of endpoints; `request_log` says which file is whose."""
        return self.logs / "requests"

    @property
    def token_file(self) -> Path:
        return self.gateway_dir / "token"

    def prepare(self) -> None:
        """Create the directories, 0700. Raises Invalid when the socket directory belongs to somebody else."""
        for path in (self.home, self.blobs, self.logs, self.cluster_dir, self.gateway_dir):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        own_directory(self.run)

    def settings(self) -> Settings:
        """Read `settings.json`; a missing file means the defaults. Raises Invalid for an unreadable one."""
        try:
            return Settings.model_validate_json(self.settings_file.read_bytes())
        except FileNotFoundError:
            return Settings()
        except ValidationError as error:
            first = error.errors()[0]
            raise Invalid(
                f"{self.settings_file} is not valid: {first['msg']}.",
                field=".".join(str(part) for part in first["loc"]),
                remedy="Mend the file, or delete it to return to the defaults.",
            ) from error

    def save_settings(self, settings: Settings) -> None:
        self.prepare()
        write_private(self.settings_file, settings.model_dump_json(indent=2, exclude_none=True))


def workspace(home: str | os.PathLike[str] | None = None) -> Workspace:
    """The workspace of `home`, of `SLML_HOME`, or the user's default one."""
    chosen = home or os.environ.get(HOME_VARIABLE)
    if chosen:
        root = Path(chosen).expanduser().absolute()
    else:
        from jupyter_core.paths import jupyter_data_dir

        root = Path(jupyter_data_dir()) / "slml"
    mark = hashlib.sha256(os.fsencode(root)).hexdigest()[:10]
    return Workspace(home=root, run=_runtime_root() / f"slml-{os.getuid()}-{mark}")


def _runtime_root() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and len(given) < 60 and Path(given).is_dir() and os.access(given, os.W_OK):
        return Path(given)
    root = Path(tempfile.gettempdir())
    return root if len(str(root)) < 60 else Path("/tmp")


def request_log(directory: Path, endpoint: str) -> Path:
    """The request log of an endpoint. No path is made of a name: it may be long, or differ from another by its case."""
    return directory / f"{hashlib.sha256(endpoint.encode()).hexdigest()[:16]}.jsonl"


def own_directory(path: Path) -> None:
    """Create `path` 0700, or check that it is a directory of ours that nobody else can enter.

    The place may be below /tmp, where anyone could have made it first: hence lstat, owner and mode.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise Invalid(
            f"{path} belongs to another user, so sockets in it would not be private.",
            field="runtime directory",
            value=path,
            remedy="Set XDG_RUNTIME_DIR to a directory of your own, then start again.",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replace `path` atomically with `text`, mode 0600, on disk before the name points to it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, object] | None:
    """The JSON object in `path`; None when the file is missing or half written."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None
