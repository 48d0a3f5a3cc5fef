"""What each column of a data set means, for people."""

from collections.abc import Mapping

COLUMNS: Mapping[str, str] = {
    "URL": "address of the image, as in the input",
    "TEXT": "original caption, as in the input",
    "top_caption": "the caption that the selector chose from the shortlist",
    "all_captions": "every distinct caption, best first by the ranker",
    "all_similarities": "the ranker's cosine similarity of each of them with the image",
    "WIDTH": "of the input",
    "HEIGHT": "of the input",
    "similarity": "of the input: its own image-text similarity of the original caption",
    "hash": "of the input",
    "pwatermark": "of the input: probability of a watermark",
    "punsafe": "of the input: probability of unsafe content",
    "shortlist": "the best captions, by the ranker",
    "shortlist_similarities": "the selector's cosine similarity of each of them",
    "repaired_caption": "the top caption after the optional repair step",
    "part": "input file",
    "row": "position in the input file",
    "status": "ok in every row here",
    "error": "null in every row here",
    "sha256": "of the image's bytes when it was captioned",
}
