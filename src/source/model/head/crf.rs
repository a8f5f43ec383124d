//! A linear-chain CRF (Lafferty et al. 2001) on top of another head: the tensors of [`Chain`], and its
//! negative log-likelihood.

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail};
use serde::Deserialize;

use super::chain::Chain;
use super::fresh::{NewWeight, Start};
use super::{Head, HeadKind, HeadOptions, bilstm, token};
use crate::source::model::arch::{Encoder, Mode};
use crate::source::model::weights::Weights;

pub(super) const KIND: HeadKind = HeadKind {
    name: "crf",
    doc: "A linear layer, then a linear-chain CRF (`crf.start_transitions`, `crf.end_transitions`, \
          `crf.transitions`, as pytorch-crf names them; Lafferty et al. 2001).",
    keys: &["dropout", "positions", "boundaries", "transposed"],
    load: |options, weights, encoder, tags| {
        let scores = (token::KIND.load)(options, weights, encoder, tags)?;
        Ok(Box::new(CrfHead { scores, crf: Crf::load(options, weights, tags)? }))
    },
    fresh: |options, encoder, tags| {
        let scores = (token::KIND.fresh)(options, encoder, tags);
        scores.into_iter().chain(Crf::fresh(options, tags)).collect()
    },
};

pub(super) const BILSTM_KIND: HeadKind = HeadKind {
    name: "bilstm-crf",
    doc: "As `bilstm`, with the CRF of `crf` on top (Huang et al. 2015, arXiv:1508.01991).",
    keys: &["hidden_size", "layers", "dropout", "positions", "boundaries", "transposed"],
    load: |options, weights, encoder: &dyn Encoder, tags| {
        let scores = (bilstm::KIND.load)(options, weights, encoder, tags)?;
        Ok(Box::new(CrfHead { scores, crf: Crf::load(options, weights, tags)? }))
    },
    fresh: |options, encoder, tags| {
        let scores = (bilstm::KIND.fresh)(options, encoder, tags);
        scores.into_iter().chain(Crf::fresh(options, tags)).collect()
    },
};

/// A head whose scores are emissions of a CRF.
struct CrfHead {
    scores: Box<dyn Head>,
    crf: Crf,
}

impl Head for CrfHead {
    fn logits(&self, hidden: &Tensor, lengths: &[usize], mode: Mode<'_>) -> Result<Tensor> {
        self.scores.logits(hidden, lengths, mode)
    }

    fn is_local(&self) -> bool {
        self.scores.is_local()
    }

    fn crf(&self) -> Option<&Crf> {
        Some(&self.crf)
    }
}

/// Which positions of a sequence a CRF reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// Every sub-word, special tokens included.
    #[default]
    Pieces,
    /// The first sub-word of each word.
    Words,
}

/// The tensors of a CRF.
pub struct Crf {
    /// Which positions it reads.
    pub positions: Positions,
    boundaries: Boundaries,
    transitions: Tensor,
    transposed: bool,
}

/// Where the scores of the first and the last tag are.
enum Boundaries {
    /// There are none.
    Absent,
    /// In tensors of their own.
    Scores([Tensor; 2]),
    /// Among the transitions: those from one tag, that stands before every sequence, and those to another, that
    /// stands behind it.
    Tags([usize; 2]),
}

impl Crf {
    /// A CRF over words whose transitions, of shape `(following, followed)`, have a tag that stands before every
    /// sequence and one that stands behind it, as Flair has them (Lample et al. 2016, arXiv:1603.01360).
    pub fn of_boundary_tags(transitions: Tensor, [before, behind]: [usize; 2]) -> Self {
        let boundaries = Boundaries::Tags([before, behind]);
        Self { positions: Positions::Words, boundaries, transitions, transposed: true }
    }

    fn load(options: &HeadOptions, weights: &Weights, tags: usize) -> crate::Result<Self> {
        let tensor = |name: &str| weights.tensor(&format!("crf.{name}"), &[tags]);
        let has_boundaries = options.boundaries.unwrap_or(true);
        let boundaries = if has_boundaries {
            Boundaries::Scores([tensor("start_transitions")?, tensor("end_transitions")?])
        } else {
            Boundaries::Absent
        };
        Ok(Self {
            positions: options.positions.unwrap_or_default(),
            boundaries,
            transitions: weights.tensor("crf.transitions", &[tags, tags])?,
            transposed: options.transposed.unwrap_or(false),
        })
    }

    /// The weights that [`Crf::load`] reads, as pytorch-crf begins them.
    fn fresh(options: &HeadOptions, tags: usize) -> Vec<NewWeight> {
        let weight = |name: &str, shape: &[usize]| {
            NewWeight::of_tags(&format!("crf.{name}"), shape, Start::Uniform(0.1))
        };
        let mut fresh = vec![weight("transitions", &[tags, tags])];
        if options.boundaries.unwrap_or(true) {
            fresh.push(weight("start_transitions", &[tags]));
            fresh.push(weight("end_transitions", &[tags]));
        }
        fresh
    }

    /// Transitions of shape `(followed, following)`, and start and end scores of shape `(2, tags)`, in 64
    /// bits on the processor; gradients flow through.
    fn tensors(&self) -> Result<[Tensor; 2]> {
        let here = |tensor: &Tensor| tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64);
        let transitions =
            if self.transposed { self.transitions.t()? } else { self.transitions.clone() };
        let boundaries = match &self.boundaries {
            Boundaries::Scores([start, end]) => here(&Tensor::stack(&[start, end], 0)?)?,
            Boundaries::Tags([before, behind]) => {
                let first = transitions.narrow(0, *before, 1)?;
                let last = transitions.narrow(1, *behind, 1)?.t()?;
                here(&Tensor::cat(&[first, last], 0)?)?
            }
            Boundaries::Absent => {
                Tensor::zeros((2, transitions.dim(0)?), DType::F64, &Device::Cpu)?
            }
        };
        Ok([here(&transitions)?.contiguous()?, boundaries])
    }

    /// The scores as they are now.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn chain(&self) -> Result<Chain> {
        let [transitions, boundaries] = self.tensors()?;
        let mut rows = boundaries.to_vec2::<f64>()?.into_iter();
        let (start, end) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        Ok(Chain { start, end, transitions: transitions.flatten_all()?.to_vec1()? })
    }

    /// The sum over sequences of −log of the probability of what is right, divided by `divisor`: a scalar
    /// a gradient flows from to emissions and scores. Emissions of shape `(positions, tags)` hold sequences
    /// of these lengths one after another; `right` are the tags that are right at each position. Where
    /// several are, all sequences of them count together, and where none is given, any tag is right.
    ///
    /// # Errors
    /// Where the shapes do not fit, or the device fails.
    pub fn negative_log_likelihood(
        &self,
        emissions: &Tensor,
        lengths: Vec<usize>,
        right: Vec<Vec<usize>>,
        divisor: f64,
    ) -> Result<Tensor> {
        let (positions, tags) = emissions.dims2()?;
        if right.len() != positions || lengths.iter().sum::<usize>() != positions {
            bail!("{positions} positions, but {} targets", right.len());
        }
        if right.iter().flatten().any(|tag| *tag >= tags) {
            bail!("a target is none of {tags} tags");
        }
        let [transitions, boundaries] = self.tensors()?;
        let emissions = emissions.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.contiguous()?;
        emissions.apply_op3(&transitions, &boundaries, Likelihood { lengths, right, divisor })
    }
}

/// [`Crf::negative_log_likelihood`] as an operation on emissions, transitions and boundaries.
struct Likelihood {
    lengths: Vec<usize>,
    right: Vec<Vec<usize>>,
    divisor: f64,
}

/// The loss, and its gradient by each argument.
struct Slopes {
    loss: f64,
    emissions: Vec<f64>,
    transitions: Vec<f64>,
    boundaries: Vec<f64>,
}

impl Likelihood {
    fn compute(&self, emissions: &[f64], transitions: &[f64], boundaries: &[f64]) -> Slopes {
        let (start, end) = boundaries.split_at(boundaries.len() / 2);
        let chain =
            Chain { start: start.to_vec(), end: end.to_vec(), transitions: transitions.to_vec() };
        let width = chain.tags();
        let mut slopes = Slopes {
            loss: 0.0,
            emissions: Vec::with_capacity(emissions.len()),
            transitions: vec![0.0; transitions.len()],
            boundaries: vec![0.0; boundaries.len()],
        };
        let mut first = 0;
        for length in self.lengths.iter().filter(|length| **length > 0) {
            let here = &emissions[first * width..(first + length) * width];
            let is_right = |cell: usize| {
                let right = &self.right[first + cell / width];
                right.is_empty() || right.contains(&(cell % width))
            };
            let only_right: Vec<f64> = here
                .iter()
                .enumerate()
                .map(|(cell, e)| if is_right(cell) { *e } else { f64::NEG_INFINITY })
                .collect();
            let (all, right) = (chain.expectation(here), chain.expectation(&only_right));
            slopes.loss += (all.log_sum - right.log_sum) / self.divisor;
            let differences = |all: &[f64], right: &[f64]| -> Vec<f64> {
                all.iter().zip(right).map(|(a, r)| (a - r) / self.divisor).collect()
            };
            let by_emission = differences(&all.tags, &right.tags);
            let by_transition = differences(&all.transitions, &right.transitions);
            slopes.transitions.iter_mut().zip(by_transition).for_each(|(sum, d)| *sum += d);
            let ends = by_emission[..width].iter().chain(&by_emission[(length - 1) * width..]);
            slopes.boundaries.iter_mut().zip(ends).for_each(|(sum, d)| *sum += d);
            slopes.emissions.extend(by_emission);
            first += length;
        }
        slopes
    }
}

impl CustomOp3 for Likelihood {
    fn name(&self) -> &'static str {
        "crf-likelihood"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [emissions, transitions, boundaries] =
            [numbers(s1, l1)?, numbers(s2, l2)?, numbers(s3, l3)?];
        let loss = self.compute(emissions, transitions, boundaries).loss;
        Ok((CpuStorage::F64(vec![loss]), Shape::from(())))
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        arg3: &Tensor,
        _: &Tensor,
        grad_res: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f64>();
        let scale = grad_res.to_scalar::<f64>()?;
        let slopes = self.compute(&flat(arg1)?, &flat(arg2)?, &flat(arg3)?);
        let gradient = |values: Vec<f64>, of: &Tensor| {
            (Tensor::from_vec(values, of.shape(), &Device::Cpu)? * scale).map(Some)
        };
        Ok((
            gradient(slopes.emissions, arg1)?,
            gradient(slopes.transitions, arg2)?,
            gradient(slopes.boundaries, arg3)?,
        ))
    }
}

/// The numbers of a contiguous tensor of 64 bits.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f64]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F64(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("crf-likelihood needs contiguous numbers of 64 bits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    fn var(count: usize, shape: impl Into<Shape>, phase: f64) -> Var {
        let values: Vec<f64> = (0..count).map(|i| (i as f64 * 1.7 + phase).sin() * 2.0).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape.into(), &Device::Cpu).unwrap()).unwrap()
    }

    /// Three sequences of 3, 0 and 1 positions: a tag, one of two, any; a tag.
    fn loss(emissions: &Tensor, variables: &[Var; 3], transposed: bool) -> Tensor {
        let [start, end, transitions] = variables.each_ref().map(|v| v.as_tensor().clone());
        let crf = Crf {
            positions: Positions::Words,
            boundaries: Boundaries::Scores([start, end]),
            transitions,
            transposed,
        };
        let right = vec![vec![1], vec![0, 2], vec![], vec![2]];
        crf.negative_log_likelihood(emissions, vec![3, 0, 1], right, 4.0).unwrap()
    }

    #[test]
    fn gradients_match_finite_differences() {
        for transposed in [false, true] {
            let emissions = var(12, (4, 3), 0.1);
            let others = [var(3, 3, 0.7), var(3, 3, 1.9), var(9, (3, 3), 2.3)];
            let gradients = loss(&emissions, &others, transposed).backward().unwrap();
            for variable in others.iter().chain([&emissions]) {
                let gradient = gradients.get(variable).unwrap().flatten_all().unwrap();
                let before = variable.as_tensor().copy().unwrap();
                let values = before.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                for (cell, got) in gradient.to_vec1::<f64>().unwrap().into_iter().enumerate() {
                    let at = |by: f64| {
                        let mut moved = values.clone();
                        moved[cell] += by;
                        let moved = Tensor::from_vec(moved, before.shape(), &Device::Cpu).unwrap();
                        variable.set(&moved).unwrap();
                        loss(&emissions, &others, transposed).to_scalar::<f64>().unwrap()
                    };
                    let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((got - expected).abs() < 1e-8, "{got} is not {expected}");
                }
                variable.set(&before).unwrap();
            }
        }
    }

    #[test]
    fn boundary_tags_give_the_scores_of_the_first_and_the_last() {
        let transitions = Tensor::arange(0f32, 9.0, &Device::Cpu).unwrap();
        let transitions = transitions.reshape((3, 3)).unwrap();
        let chain = Crf::of_boundary_tags(transitions, [1, 2]).chain().unwrap();
        assert_eq!(chain.start, [1.0, 4.0, 7.0]);
        assert_eq!(chain.end, [6.0, 7.0, 8.0]);
        assert_eq!(chain.transitions, [0.0, 3.0, 6.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let [start, end, transitions] = [var(3, 3, 0.0), var(3, 3, 0.0), var(9, (3, 3), 0.0)];
        let crf = Crf {
            positions: Positions::Pieces,
            boundaries: Boundaries::Scores([start.into_inner(), end.into_inner()]),
            transitions: transitions.into_inner(),
            transposed: false,
        };
        let emissions = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let loss = |lengths: Vec<usize>, right| {
            crf.negative_log_likelihood(&emissions, lengths, right, 1.0)
        };
        assert!(loss(vec![2], vec![vec![0]]).is_err());
        assert!(loss(vec![1], vec![vec![0], vec![1]]).is_err());
        assert!(loss(vec![2], vec![vec![0], vec![3]]).is_err());
        assert!(loss(vec![2], vec![vec![0], vec![2]]).is_ok());
    }
}
