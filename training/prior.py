"""Takes the word weights out of alt-profanity-check 1.9.1 (MIT): `python -m training.prior OUT.npz`.

Needs that package beside numpy; the result is shipped, so only who doubts it has to run this.
"""

import sys
import zlib

import numpy as np


def main(out: str) -> None:
    """Write keys, idf (8 bit), weights (8 bit), their scales and the intercept."""
    from profanity_check.profanity_check import model, vectorizer

    words = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    parts = [c.estimator for c in model.calibrated_classifiers_]
    weights = np.mean([p.coef_[0] for p in parts], axis=0)
    keys = np.array([zlib.crc32(w.encode()) for w in words], np.uint64)
    keys, first = np.unique(keys, return_index=True)
    scale = np.abs(weights).max() / 127
    np.savez_compressed(
        out,
        keys=keys.astype(np.uint32),
        idf=np.rint(vectorizer.idf_[first] * 20).astype(np.uint8),
        idf_scale=np.float32(1 / 20),
        weights=np.rint(weights[first] / scale).astype(np.int8),
        scale=np.float32(scale),
        intercept=np.float32(np.mean([p.intercept_[0] for p in parts])),
    )


if __name__ == "__main__":
    main(sys.argv[1])
