"""What one call of a tool may touch. The kernel refuses the rest.

Beside that, every tool may read programs and libraries, and what tells it how many processors there are.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ENVIRONMENT = (
    "PATH",
    "LD_LIBRARY_PATH", "PYTHONPATH",  # where programs find their libraries
    "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "OCL_ICD_VENDORS",  # which processors and drivers they use
)  # fmt: skip
"""What a tool gets of vlogd's own environment, which may hold secrets."""

_NO_HOME = "/nonexistent"


@dataclass(frozen=True)
class Access:
    """What a tool may touch.

    `reads` and `writes` are files, or folders with all that is in them; what is written can be read and removed, too, but
    not be run. `devices`: graphics cards. `network`: any socket. `processes`: to start programs, which get no more access
    than the tool itself. `environment` is added to the little that each tool gets.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    devices: bool = False
    network: bool = False
    processes: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def whole_environment(self) -> dict[str, str]:
        """All that the tool's environment has. Its home and its temporary folder are where it may write."""
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        home = str(next((path for path in self.writes if path.is_dir()), _NO_HOME))
        # C.UTF-8: messages in English, because `read_errors` parses them.
        return {**kept, "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": home, **self.environment}
