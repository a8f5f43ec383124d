"""Makes tests/data/parity/en_pipeline.json, en_pipeline_texts.json and en_tokens.json: what the reference finds with the
weights of models/en.

    python tests/parity/reference_entities.py

All use models/en/model.gguf dequantised to f32 in transformers' BertForTokenClassification. en_pipeline and en_tokens hold 200 sentences: the first 100 of
UNER English-EWT test and the first 100 of WNUT-17 dev. The corpora's text is not in the fixtures: an item holds the corpus
file (relative to the data folder), the sentence's index in it (from 0), and the first 16 hex digits of the SHA-256 of the
text's UTF-8, to check that the same text was read. The text is UNER's `# text = ` line and, for WNUT, the tokens joined by one
space. Offsets are in code points. "margin" is the smallest gap, over the sentence's words, between the probabilities of the
best and the second label at the word's first piece: where it is tiny, another order of summation may decide otherwise.

en_pipeline.json: raw text through transformers 4.57.6, pipeline("token-classification", aggregation_strategy="first");
entities are [start, end, label, score]. The exact rules (transformers/pipelines/token_classification.py; `by_the_rules` below
restates them, and this script fails where the two differ):

 1. Pieces. The text is tokenised with [CLS] and [SEP] and cut to model_max_length (512). Of the special tokens only those
    that the tokenizer added itself are skipped; one that the text spells out ("[MASK]") is a piece like any other. Softmax
    over the labels at every piece, in f32.
 2. Words. Word ids and white space play no part: a piece continues the word before it if the number of code points of the
    piece as the vocabulary writes it, "##" included, differs from the number of code points of its slice
    text[start:end]; else it starts a word. "[UNK]" always starts a word. The first piece of the text always starts one.
    So a "##" piece starts a word of its own where its slice is just two code points longer, and a piece without "##"
    continues the word before it, over white space too, where normalising changed its length (a decomposed accent, a
    soft hyphen or a zero-width space inside the slice, "\u0130").
 3. Word label and score: the argmax label of the word's first piece (ties: the lowest id) and that label's own probability.
    The other pieces count for nothing. A word's start is its first piece's start, its end its last piece's end.
 4. Groups, from left to right over all words, O words too: a tag is split into prefix and label, "O" being prefix I with
    label "O" (any tag without "B-" or "I-" is treated so). A word joins the open group if its label equals that of the
    word before it and its prefix is not B; else it opens a new group. So B- always opens one; I-X behind O, or behind
    another label, opens one; I-X behind B-X or I-X joins. Distance in the text plays no part.
 5. A group's label is its first word's, without the prefix (behind the first "-"); its score the arithmetic mean (f32) of
    its words' scores; its start the first word's start, its end the last word's end. Groups labelled "O" are left out.

en_pipeline_texts.json: the same for texts written for this fixture, odd ones on purpose, with the text itself.

en_tokens.json: the corpus's tokens as given (is_split_into_words, cut to 512 pieces, a batch of one); a token's tag is the
argmax label at its first piece (O where it has none); spans are those of seqeval's get_entities in default mode; entities are
[first_token, last_token_exclusive, label, score], the score being the mean over the span's tokens of the probability
of B-label plus that of I-label at the token's first piece. Scores are rounded to 4 decimals.
"""

import warnings

import numpy as np
import torch
from common import (
    CORPORA, FIXTURES, MODEL, argmax_tags, load_corpus, load_model, load_tokenizer, text_hash, word_probabilities,
    write_lines,
)
from seqeval.metrics.sequence_labeling import get_entities
from transformers import pipeline

SELECTION = (("uner-en-ewt-test", 100), ("wnut17-dev", 100))

ODD_TEXTS = [
    "",
    " \t\n ",
    "Paris",
    "Angela Merkel met Emmanuel Macron in Paris.",
    "  John Smith\tof Microsoft \r\n flew to\n\nNew York  ",
    "Mary-Jane O'Neill-Smith works for Coca-Cola Co. in St. Louis, U.S.A.",
    "Zoë Müller moved from São Paulo to Kraków with José Ángel Gutiérrez.",
    "Zoe\u0308 Mu\u0308ller moved from Sa\u0303o Paulo to Krako\u0301w with Jose\u0301 A\u0301ngel Gutie\u0301rrez.",
    "Lon\u200bdon and Ber\u00adlin, New\u00a0York and \ufeffMoscow\u2003or Tokyo; Bar\u200back O\u200b\u200bbama",
    "İstanbul, DİYARBAKIR and IĞDIR in Türkiye; STRASSE, Weißenstraße",
    "ﬁnland, Ǆemal and Lj in ½ ﬃce №5 Ⅷ",
    "I flew from 北京 to 東京 with 王小明 of Sony 株式会社 Japan",
    "Владимир Путин met Άγγελα in Москва",
    "John 😀 Smith 👩‍👩‍👧 visited Paris 🇫🇷 with Barack Obama 👍🏽!",
    "RT @BarackObama: Vote in #Ohio today! http://t.co/abc Google/Facebook",
    "In [MASK] John met [SEP] Mary of [UNK] Corp in [CLS] Rome",
    "Ma\u0000ry Smith \u0007lives\u0085in \ufffdParis",
    "“Obama’s” trip — to ‘Berlin’… was covered by the BBC’s Jon Sopel",
    "Paris Paris, London London; Barack Obama Michelle Obama Google Microsoft",
    "barack obama visited the white house in washington dc last july",
    "THE UNITED NATIONS MET IN GENEVA, SWITZERLAND.",
    "Wolfeschlegelsteinhausenbergerdorff of Llanfairpwllgwyngyll and Krungthepmahanakhon",
    "He said " + "xanadu" * 17 + " is near Paris.",
    "Star Wars and Harry Potter on the iPhone 6S, PlayStation 4 and Windows 10",
    "Barack Obama spoke in Chicago and then flew home to Hawaii. " * 60,
]


def by_the_rules(model, tokenizer, text):
    """The pipeline's entities by the rules in this file's docstring, and the margin."""
    encoding = tokenizer(text, truncation=True, return_tensors="pt", return_special_tokens_mask=True, return_offsets_mapping=True)
    inputs = {k: encoding[k] for k in ("input_ids", "attention_mask", "token_type_ids")}
    with torch.no_grad():
        logits = model(**inputs).logits[0].numpy()
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    scores = exp / exp.sum(-1, keepdims=True)

    words = []  # [start, end, tag, score]
    margin = 1.0
    for i, (start, end) in enumerate(encoding["offset_mapping"][0].tolist()):
        if encoding["special_tokens_mask"][0][i]:
            continue
        piece = tokenizer.convert_ids_to_tokens(int(encoding["input_ids"][0][i]))
        continues = piece != tokenizer.unk_token and len(piece) != len(text[start:end])
        if words and continues:
            words[-1][1] = end
            continue
        best = int(scores[i].argmax())
        words.append([start, end, model.config.id2label[best], scores[i][best]])
        margin = min(margin, float(np.sort(scores[i])[-1] - np.sort(scores[i])[-2]))

    groups = []
    last = None
    for word in words:
        label = word[2][2:] if word[2].startswith(("B-", "I-")) else word[2]
        if label == last and not word[2].startswith("B-"):
            groups[-1][1].append(word)
        else:
            groups.append((label, [word]))
        last = label
    entities = [
        [group[0][0], group[-1][1], label, round(float(np.mean([w[3] for w in group])), 4)]
        for label, group in groups if label != "O"
    ]
    return entities, round(margin, 4)


def main():
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")
    model, tokenizer = load_model(MODEL), load_tokenizer(MODEL)
    tagger = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first", device="cpu")
    from_text, from_tokens = [], []
    for name, count in SELECTION:
        corpus = load_corpus(name)[:count]
        for index, (sentence, tokens, _) in enumerate(corpus):
            text = sentence.text() or " ".join(tokens)
            entities = [
                [e["start"], e["end"], e["entity_group"], round(float(e["score"]), 4)] for e in tagger(text)
            ]
            restated, margin = by_the_rules(model, tokenizer, text)
            if restated != entities:
                raise SystemExit(f"{name} {index}: the rules give {restated}, the pipeline {entities}")
            item = {"file": CORPORA[name][0], "index": index, "sha256": text_hash(text)}
            from_text.append({**item, "entities": entities, "margin": margin})

            words = word_probabilities(model, tokenizer, [tokens])[0]
            ids = model.config.label2id
            spans = []
            for label, first, last in get_entities(argmax_tags(model, words)):
                share = [words[w][ids[f"B-{label}"]] + words[w][ids[f"I-{label}"]] for w in range(first, last + 1)]
                spans.append([first, last + 1, label, round(sum(share) / len(share), 4)])
            gaps = [sorted(p)[-1] - sorted(p)[-2] for p in words if p is not None]
            item["sha256"] = text_hash(" ".join(tokens))
            from_tokens.append({**item, "tokens": len(tokens), "entities": spans, "margin": round(min(gaps, default=1.0), 4)})
    odd = []
    for text in ODD_TEXTS:
        entities = [[e["start"], e["end"], e["entity_group"], round(float(e["score"]), 4)] for e in tagger(text)]
        restated, margin = by_the_rules(model, tokenizer, text)
        if restated != entities:
            raise SystemExit(f"{text!r}: the rules give {restated}, the pipeline {entities}")
        odd.append({"text": text, "entities": entities, "margin": margin})
    head = {"made_by": "tests/parity/reference_entities.py", "model": "models/en", "transformers": "4.57.6"}
    write_lines(FIXTURES / "en_pipeline.json", {**head, "offsets": "code points"}, "sentences", from_text)
    write_lines(FIXTURES / "en_pipeline_texts.json", {**head, "offsets": "code points"}, "texts", odd)
    write_lines(FIXTURES / "en_tokens.json", {**head, "offsets": "tokens"}, "sentences", from_tokens)
    for name, items in (("en_pipeline", from_text), ("en_pipeline_texts", odd), ("en_tokens", from_tokens)):
        print(f"{name}.json: {len(items)} texts, {sum(len(i['entities']) for i in items)} entities, "
              f"{sum(i['margin'] < 0.02 for i in items)} texts with a margin below 0.02, "
              f"{(FIXTURES / (name + '.json')).stat().st_size} bytes")


if __name__ == "__main__":
    main()
