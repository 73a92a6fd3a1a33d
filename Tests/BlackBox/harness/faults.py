"""Makes calls of the system fail in the program under test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


class Faults:
    """`environment` is for the program that is to have them."""

    def __init__(self, folder: Path):
        self.folder = folder
        library = folder / "faults.so"
        compiler = shutil.which("cc") or shutil.which("clang")
        assert compiler, "the package needs a C compiler anyway"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("faults.c")), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS": str(folder)}

    def fail_accept(self, port: int, number: int) -> None:
        """The next connection of the port is not accepted but an error of this number given."""
        draft = self.folder / "draft"
        draft.write_text(str(number))
        os.rename(draft, self.folder / f"accept-{port}")

    def has_failed(self, port: int) -> bool:
        return not (self.folder / f"accept-{port}").exists()

    def hold_duplicates(self, port: int) -> Path:
        """The port's socket is not duplicated until the file is taken away."""
        file = self.folder / f"duplicate-{port}"
        file.touch()
        return file
