"""Captions beside those that people wrote for the same images."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError
from common.url import canonical_url
from dataset.rows.human_captions import read_captions
from dataset.rows.row_source import Row
from dataset.score.cider import cider
from dataset.score.estimate import Estimate, estimate_mean
from dataset.score.words import split_words


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison with references."""

    images: int
    """Rows of the sample that have references."""
    bleu: float
    """Of the whole corpus, 0 to 100, by sacrebleu (Post, 2018)."""
    bleu_signature: str
    cider: Estimate
    """CIDEr-D, mean of the images, 0 to 10."""


def compare(rows: Sequence[Row], file: Path) -> Compared:
    """Score the top captions of rows whose address has captions in `file`.

    Args:
        rows: good ones.
        file: of human captions, as `dataset survey build --human` reads it; images by their address.

    Raises:
        FleetError: no row has references, or sacrebleu is not installed.
    """
    known: dict[str, list[str]] = defaultdict(list)
    for place, caption in read_captions(file, local=False):
        known[_key(str(place))].append(caption)
    pairs = [(row["top_caption"], known[_key(row["URL"])]) for row in rows if _key(row["URL"]) in known]
    if not pairs:
        raise FleetError(f"{file}: no address of the {len(rows)} sampled rows is in it")
    captions, references = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    bleu, signature = _bleu(captions, references)
    scores = cider(list(map(split_words, captions)), [list(map(split_words, one)) for one in references])
    return Compared(len(pairs), bleu, signature, estimate_mean(scores))


def _key(place: str) -> str:
    try:
        return canonical_url(place)
    except ValueError:
        return place


def _bleu(captions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, str]:
    try:
        from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - not everybody's, and slow to import
    except ImportError as error:
        raise FleetError(
            "--references: needs sacrebleu; install the extra `score`: pip install '.[score]' in a checkout"
        ) from error
    most = max(map(len, references))
    streams = [[one[n] if n < len(one) else "" for one in references] for n in range(most)]
    metric = BLEU(lowercase=True)
    found = metric.corpus_score(captions, streams)
    return found.score, str(metric.get_signature())
