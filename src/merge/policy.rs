//! The pass `policy`: what becomes of two candidates that meet, by a table of rows. It knows pairs, not
//! sets; what a row is, is `policy/row`'s business.

mod row;

use serde::Deserialize;

use self::row::{Action, Row};
use super::check;
use super::ranking::Ranking;
use super::tie_break::{self, TieBreak, criteria_doc};
use super::{Pass, PassContext, PassKind, Trace};
use crate::resource::OptionDoc;
use crate::span::{Candidate, Label, Span, order};

pub(super) const KIND: PassKind = PassKind {
    name: "policy",
    doc: "Looks at every two candidates that overlap or touch and does what the first row that fits them \
          says. A row fits where its conditions hold with one of the two as a and the other as b; where \
          they hold both ways, a is the one that is first in `order`. Pairs are taken in that order: the \
          first candidate with each of the others, then the second, and so on. After a row has moved an \
          edge this begins anew, until no row changes anything. Every change leaves fewer candidates or \
          shorter ones, so it ends. What is left may overlap. Makes new spans (`union`, `trim`, `split`).",
    options: &[
        OptionDoc {
            name: "order",
            value: "list, []",
            doc: criteria_doc!(
                "The order of the candidates, first the first: ",
                "Where all are equal, the order of output decides."
            ),
        },
        OptionDoc {
            name: "row",
            value: "tables",
            doc: "What the following keys are written in: [[merge.row]].",
        },
        OptionDoc {
            name: "row.a-source",
            value: "source or list of sources, all",
            doc: "Who must have proposed a.",
        },
        OptionDoc {
            name: "row.a-label",
            value: "label or list of labels, all",
            doc: "The label that a must have.",
        },
        OptionDoc {
            name: "row.b-source",
            value: "source or list of sources, all",
            doc: "Who must have proposed b.",
        },
        OptionDoc {
            name: "row.b-label",
            value: "label or list of labels, all",
            doc: "The label that b must have.",
        },
        OptionDoc {
            name: "row.labels",
            value: "same | different",
            doc: "Whether the two must have one label.",
        },
        OptionDoc {
            name: "row.label-pairs",
            value: "table",
            doc: "The labels that b may have for each label of a: `label-pairs = { CITY = [\"LOC\"] }`; a \
                  label of a that is not listed has none.",
        },
        OptionDoc {
            name: "row.relation",
            value: "relation or list of relations, \"overlaps\"",
            doc: "How a must lie to b: same, contains, contained-by, crosses, touches, or overlaps, which \
                  is any of the first four.",
        },
        OptionDoc {
            name: "row.min-score-difference",
            value: "number -1 to 1",
            doc: "How much the score of a must be over that of b, at least (to a millionth); 0 for at \
                  least as high.",
        },
        OptionDoc {
            name: "row.max-score-difference",
            value: "number -1 to 1",
            doc: "How much it may be over that of b.",
        },
        OptionDoc {
            name: "row.min-length-ratio",
            value: "number",
            doc: "How many times as many characters as b must a have, at least: 1.2 for a fifth more.",
        },
        OptionDoc {
            name: "row.max-length-ratio",
            value: "number",
            doc: "How many times as many it may have.",
        },
        OptionDoc {
            name: "row.left",
            value: "pattern",
            doc: "Must match so that it ends where the first of the two begins; sees 80 characters.",
        },
        OptionDoc {
            name: "row.right",
            value: "pattern",
            doc: "Must match so that it begins where the last of the two ends; sees 80 characters.",
        },
        OptionDoc {
            name: "row.then",
            value: "action",
            doc: "What is done: keep-a and keep-b drop the other; keep-both leaves the pair as it is, \
                  whatever later rows say; union makes them one of a's label, with the higher score and \
                  all origins; trim cuts from b what a covers (of a b on both sides of a, what comes \
                  before stays); split does so and leaves both sides; drop-both; compare drops the worse \
                  by `by`.",
        },
        OptionDoc {
            name: "row.by",
            value: "list",
            doc: "What compare compares, as in `order`: `by = [\"score\", \"longest\"]`.",
        },
    ],
    flat: false,
    rescores: false,
    build: |section, scope| {
        check::build_of_tables(
            section,
            scope,
            ("policy", "row"),
            |Options { order }: Options, tables, checks| {
                let rows =
                    tables.into_iter().map(|(written, place)| Row::build(written, place, checks));
                let rows = rows.collect();
                Policy { rows, order: tie_break::ranking(None, order, &[], checks) }
            },
        )
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    order: Option<Vec<TieBreak>>,
}

/// The pass.
#[derive(Debug)]
struct Policy {
    rows: Vec<Row>,
    order: Ranking,
}

impl Pass for Policy {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.sort_by(order::compare);
        let mut result = Vec::with_capacity(candidates.len());
        let mut cluster: Vec<Candidate> = Vec::new();
        let mut end = 0;
        for candidate in candidates {
            if candidate.span.start > end {
                result.extend(self.settled(std::mem::take(&mut cluster), context, trace));
            }
            end = end.max(candidate.span.end);
            cluster.push(candidate);
        }
        result.extend(self.settled(cluster, context, trace));
        result
    }

    fn looks_for(&self, label: &Label) -> bool {
        self.rows.iter().any(|row| row.names(label))
    }
}

impl Policy {
    /// What is left of candidates that hang together by overlap or touch, when no row changes anything.
    fn settled(
        &self,
        mut list: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        while list.len() > 1 {
            let ranked = self.order.sorted(&list, context);
            let mut slots: Vec<Option<Candidate>> = list.into_iter().map(Some).collect();
            let mut board: Vec<Option<Candidate>> =
                ranked.into_iter().map(|number| slots[number].take()).collect();
            let moved = self.round(&mut board, context, trace);
            list = board.into_iter().flatten().collect();
            if !moved {
                break;
            }
        }
        list
    }

    /// Goes through all pairs until an edge moves; gives whether one did. `board` is in the order of the
    /// pairs; what is dropped leaves its place empty.
    fn round(
        &self,
        board: &mut Vec<Option<Candidate>>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> bool {
        let meetings = Meetings::of(board);
        for first in 0..board.len() {
            for second in meetings.after(first) {
                let (Some(x), Some(y)) = (&board[first], &board[second]) else { continue };
                let Some((row, is_straight)) = self.row_for(x, y, context) else { continue };
                let (a, b) = if is_straight { (first, second) } else { (second, first) };
                if self.act(row, a, b, board, context, trace) {
                    return true;
                }
                if board[first].is_none() {
                    break;
                }
            }
        }
        false
    }

    /// The first row that fits, and whether `x` is its a.
    fn row_for(
        &self,
        x: &Candidate,
        y: &Candidate,
        context: &PassContext<'_>,
    ) -> Option<(&Row, bool)> {
        self.rows.iter().find_map(|row| {
            if row.fits(x, y, context) {
                Some((row, true))
            } else {
                row.fits(y, x, context).then_some((row, false))
            }
        })
    }

    /// Does what a row says with the candidates at the places `a` and `b`; gives whether an edge moved.
    fn act(
        &self,
        row: &Row,
        a: usize,
        b: usize,
        board: &mut Vec<Option<Candidate>>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> bool {
        let take = |board: &mut Vec<Option<Candidate>>, place: usize| {
            board[place].take().expect("only candidates that are there are paired")
        };
        let why = |a: &Candidate, b: &Candidate| row.reason(a, b);
        match &row.action {
            Action::KeepBoth => {}
            Action::KeepA | Action::KeepB => {
                let (kept, lost) =
                    if matches!(row.action, Action::KeepA) { (a, b) } else { (b, a) };
                let (mut winner, loser) = (take(board, kept), take(board, lost));
                let (a, b) = if kept == a { (&winner, &loser) } else { (&loser, &winner) };
                trace.dropped(&loser, Some(&winner), || why(a, b));
                winner.overrule(loser);
                board[kept] = Some(winner);
            }
            Action::Compare(ranking) => {
                let (x, y) = (take(board, a), take(board, b));
                let a_wins = ranking.is_better(&x, &y, context);
                let (place, mut winner, loser) = if a_wins { (a, x, y) } else { (b, y, x) };
                trace.dropped(&loser, Some(&winner), || {
                    row.because(ranking.reason(&winner, &loser, context))
                });
                winner.overrule(loser);
                board[place] = Some(winner);
            }
            Action::DropBoth => {
                let (x, y) = (take(board, a), take(board, b));
                trace.dropped(&x, Some(&y), || why(&x, &y));
                trace.dropped(&y, Some(&x), || why(&x, &y));
            }
            Action::Union => {
                let (x, y) = (take(board, a), take(board, b));
                let mut one = x.clone();
                one.absorb(y.clone());
                trace.merged(&x, &one, || why(&x, &y));
                trace.merged(&y, &one, || why(&x, &y));
                board[a] = Some(one);
                return true;
            }
            Action::Trim | Action::Split => {
                let x = board[a].as_ref().expect("only candidates that are there are paired");
                let y = board[b].as_ref().expect("only candidates that are there are paired");
                let mut parts = rest_of(y.span, x.span, context);
                if matches!(row.action, Action::Trim) {
                    parts.truncate(1);
                }
                if parts == [y.span] {
                    return false;
                }
                let (x, y) = (x.clone(), take(board, b));
                if parts.is_empty() {
                    trace.dropped(&y, Some(&x), || why(&x, &y));
                }
                for span in parts {
                    let part = Candidate { span, ..y.clone() };
                    trace.altered(&y, &part, || why(&x, &y));
                    board.push(Some(part));
                }
                return true;
            }
        }
        false
    }
}

/// What is left of `span` before and after `cut`. In a document of given tokens whole tokens are left.
fn rest_of(span: Span, cut: Span, context: &PassContext<'_>) -> Vec<Span> {
    let before = Span::new(span.start, cut.start.clamp(span.start, span.end));
    let after = Span::new(cut.end.clamp(span.start, span.end), span.end);
    let mut parts = if before == after { vec![before] } else { vec![before, after] };
    if context.document.tokens.is_some() {
        let whole = |part: &Span| {
            let tokens = &context.segments().words()[context.segments().words_in(*part)];
            let mut inside = tokens.iter().filter(|token| part.contains(**token));
            match inside.next() {
                None => Span::new(part.start, part.start),
                Some(first) => Span::new(first.start, inside.next_back().unwrap_or(first).end),
            }
        };
        parts = parts.iter().map(whole).collect();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Which candidates of a board overlap or touch.
struct Meetings {
    spans: Vec<Span>,
    /// The places in the order of their beginnings.
    by_start: Vec<usize>,
    /// The last end among the first so many of them.
    last_ends: Vec<usize>,
}

impl Meetings {
    fn of(board: &[Option<Candidate>]) -> Self {
        let spans: Vec<Span> = board.iter().flatten().map(|c| c.span).collect();
        debug_assert_eq!(spans.len(), board.len(), "a round begins with a full board");
        let mut by_start: Vec<usize> = (0..spans.len()).collect();
        by_start.sort_by_key(|&place| spans[place]);
        let last_end = |end: &mut usize, &place: &usize| {
            *end = (*end).max(spans[place].end);
            Some(*end)
        };
        let last_ends = by_start.iter().scan(0, last_end).collect();
        Self { spans, by_start, last_ends }
    }

    /// The places after `place` whose candidates meet its candidate, in order.
    fn after(&self, place: usize) -> Vec<usize> {
        let span = self.spans[place];
        let until = self.by_start.partition_point(|&other| self.spans[other].start <= span.end);
        let mut found: Vec<usize> = (0..until)
            .rev()
            .take_while(|&i| self.last_ends[i] >= span.start)
            .map(|i| self.by_start[i])
            .filter(|&other| other > place && self.spans[other].end >= span.start)
            .collect();
        found.sort_unstable();
        found
    }
}
