"""Which files below a folder are parts, and how many were left out for which reason."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

from common.archive.samples import IMAGES
from producer.pattern import Match, Pattern, States

LIST = ".parquet"
SUFFIXES = (LIST, ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")
ABOUT_IMAGES = "metadata.parquet"
METADATA = ("_stats.json", "metadata.jsonl", "metadata.csv", ABOUT_IMAGES)
"""Endings of files that say something of the parts beside them."""


class Reason(StrEnum):
    """Why a file that lies where a pattern looks is no part."""

    HIDDEN = "hidden"
    OTHER = "other_files"
    OUTPUT = "in_output"
    IMAGE = "images_beside_parts"


ALWAYS = (Reason.HIDDEN, Reason.OUTPUT)
"""Reasons that count whatever lies beside."""


class Selection:
    """The paths that a pattern takes, and those that it leaves out."""

    def __init__(self, pattern: Pattern, is_output: Callable[[str], bool]) -> None:
        """Select by `pattern`, but nothing of which `is_output` says that the run itself wrote it."""
        self.pattern, self._is_output = pattern, is_output
        self.is_there = False
        self.taken: list[str] = []
        self.images: list[str] = []
        self._left: dict[str, Reason] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was taken."""
        return not (self.taken or self.images)

    @property
    def left_out(self) -> Counter[Reason]:
        """Files and folders by reason; what goes with a part that was taken is none."""
        lists = {path.removesuffix(LIST) for path in self.taken}
        captions = {name for path in self.images for name in text_names(path)}

        def belongs(path: str) -> bool:
            return path.endswith(METADATA) or path in captions or path.rpartition("/")[0] in lists

        left = self._left.items()
        return Counter(
            reason for path, reason in left if reason in ALWAYS or self.is_empty or not belongs(path)
        )

    def enter(self, states: States, name: str, path: str) -> States:
        """The states within a folder; none where it need not be looked at."""
        following = self.pattern.advance(states, name)
        if not following and self.pattern.advance(states, name, hidden=True):
            self._left[path] = Reason.HIDDEN
        elif following and self._is_output(path):
            self._left[path] = Reason.OUTPUT
            return frozenset()
        return following

    def add(self, states: States, name: str, path: str) -> None:
        """Take a file, or leave it out."""
        match = self.pattern.match(self.pattern.advance(states, name))
        if match is Match.NOT:
            if self.pattern.match(self.pattern.advance(states, name, hidden=True)) is not Match.NOT:
                self._left[path] = Reason.HIDDEN
        elif match is Match.WITHIN and not is_image(name) and not name.lower().endswith(SUFFIXES):
            self._left[path] = Reason.OTHER
        else:
            self.take(path)

    def take(self, path: str) -> None:
        """Take a file whatever its name, unless the run itself wrote it."""
        if self._is_output(path):
            self._left[path] = Reason.OUTPUT
        elif is_image(path):
            self.images.append(path)
        else:
            self.taken.append(path)

    def leave_metadata(self) -> None:
        """Parquet about the images beside it is no part."""
        if self.images and all(path.rpartition("/")[2] == ABOUT_IMAGES for path in self.taken):
            self._left |= dict.fromkeys(self.taken, Reason.OTHER)
            self.taken = []

    def leave_images(self) -> None:
        """Images among parts that hold rows of their own are theirs, or a page's."""
        self._left |= dict.fromkeys(self.images, Reason.IMAGE)
        self.images = []

    def add_all(self, paths: Iterable[str]) -> None:
        """Select from a listing of whole paths, each below the pattern's root."""
        cut = len(self.pattern.root) + 1
        for path in paths:
            *folders, name = path[cut:].split("/")
            states, above = self.pattern.start, self.pattern.root
            for folder in folders:
                above = f"{above}/{folder}"
                states = self.enter(states, folder, above)
                if not states:
                    break
            if states and name:
                self.add(states, name, path)


def text_names(image: str) -> tuple[str, ...]:
    """The files beside an image that may hold its caption, best first."""
    stem = image.rpartition(".")[0]
    return f"{stem}.txt", f"{stem}.TXT", f"{image}.txt"


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return name.rpartition(".")[2].lower() in IMAGES and "." in name.rpartition("/")[2]
