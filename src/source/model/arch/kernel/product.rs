//! The product of two matrices, by the crate `gemm` (the one that candle multiplies with) on one thread.

use gemm::Parallelism;

/// A matrix inside a slice: the element of row `i` and column `j` is at `i * strides[0] + j * strides[1]`.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Matrix<'v> {
    values: &'v [f32],
    rows: usize,
    columns: usize,
    strides: [usize; 2],
}

impl<'v> Matrix<'v> {
    /// A matrix whose rows begin `stride` elements apart.
    ///
    /// # Panics
    /// Where the slice ends before the matrix does.
    pub(in super::super) fn new(
        values: &'v [f32],
        [rows, columns]: [usize; 2],
        stride: usize,
    ) -> Self {
        assert_inside(values.len(), [rows, columns], stride);
        Self { values, rows, columns, strides: [stride, 1] }
    }

    /// The same numbers with rows and columns exchanged.
    pub(in super::super) fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// A matrix that is written.
#[derive(Debug)]
pub(in super::super) struct MatrixMut<'v> {
    values: &'v mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'v> MatrixMut<'v> {
    /// A matrix whose rows begin `stride` elements apart and do not overlap.
    ///
    /// # Panics
    /// Where the slice ends before the matrix does, or rows overlap.
    pub(in super::super) fn new(
        values: &'v mut [f32],
        [rows, columns]: [usize; 2],
        stride: usize,
    ) -> Self {
        assert_inside(values.len(), [rows, columns], stride);
        assert!(columns <= stride, "rows of {columns} columns overlap at a stride of {stride}");
        Self { values, rows, columns, stride }
    }
}

/// Panics unless each element of a matrix of this shape and stride is inside a slice of `length` elements.
fn assert_inside(length: usize, [rows, columns]: [usize; 2], stride: usize) {
    assert!(rows > 0 && columns > 0, "a matrix without elements");
    let end = (rows - 1).checked_mul(stride).and_then(|start| start.checked_add(columns));
    let is_inside = end.is_some_and(|end| end <= length) && isize::try_from(stride).is_ok();
    assert!(is_inside, "{rows} rows of {columns} at a stride of {stride} in {length} elements");
}

/// `to = left right`, or `to += left right` where `is_added`.
///
/// # Panics
/// Where the shapes do not fit.
#[allow(unsafe_code, reason = "the function of `gemm` takes pointers; see the argument inside")]
pub(in super::super) fn multiply(
    to: MatrixMut<'_>,
    left: Matrix<'_>,
    right: Matrix<'_>,
    is_added: bool,
) {
    assert_eq!([to.rows, to.columns], [left.rows, right.columns], "the shape of a product");
    assert_eq!(left.columns, right.rows, "the inner size of a product");
    let stride = |stride: usize| stride.cast_signed();
    // SAFETY: `gemm` reads and writes the elements that the sizes, pointers and strides given name, and no
    // others. That each is inside its slice was asserted when the three matrices were made (their fields are
    // private, and a transposed matrix names the same elements). No stride is more than `isize::MAX`, so that
    // none wraps. The rows of `to` do not overlap, and as `to` is borrowed alone, neither factor is inside it.
    unsafe {
        gemm::gemm(
            to.rows,
            to.columns,
            left.columns,
            to.values.as_mut_ptr(),
            1,
            stride(to.stride),
            is_added,
            left.values.as_ptr(),
            stride(left.strides[1]),
            stride(left.strides[0]),
            right.values.as_ptr(),
            stride(right.strides[1]),
            stride(right.strides[0]),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_three_loops_and_touches_nothing_else(
            [rows, columns, inner] in [1usize..40, 1usize..70, 1usize..600],
            gaps in [0usize..5, 0usize..5, 0usize..5],
            is_added: bool,
            is_transposed: bool,
        ) {
            let [gap, left_gap, right_gap] = gaps;
            let left = noise(rows * (inner + left_gap), 1);
            let (right_rows, right_columns) =
                if is_transposed { (columns, inner) } else { (inner, columns) };
            let right_stride = right_columns + right_gap;
            let right = noise(right_rows * right_stride, 2);
            let before = noise(rows * (columns + gap), 3);
            let mut to = before.clone();
            let view = Matrix::new(&right, [right_rows, right_columns], right_stride);
            multiply(
                MatrixMut::new(&mut to, [rows, columns], columns + gap),
                Matrix::new(&left, [rows, inner], inner + left_gap),
                if is_transposed { view.transposed() } else { view },
                is_added,
            );
            for (at, (&got, &before)) in to.iter().zip(&before).enumerate() {
                let (row, column) = (at / (columns + gap), at % (columns + gap));
                if column >= columns {
                    prop_assert_eq!(got, before);
                    continue;
                }
                let right = |k: usize| match is_transposed {
                    true => right[column * right_stride + k],
                    false => right[k * right_stride + column],
                };
                let left = |k: usize| left[row * (inner + left_gap) + k];
                let product: f64 = (0..inner).map(|k| f64::from(left(k)) * f64::from(right(k))).sum();
                let expected = product + if is_added { f64::from(before) } else { 0.0 };
                prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{} is not {}", got, expected);
            }
        }
    }

    #[test]
    #[should_panic(expected = "3 rows of 4 at a stride of 4 in 11 elements")]
    fn a_matrix_longer_than_its_slice_panics() {
        let _ = Matrix::new(&[0.0; 11], [3, 4], 4);
    }

    #[test]
    #[should_panic(expected = "the inner size of a product")]
    fn matrices_that_do_not_fit_panic() {
        let mut to = [0.0; 4];
        let (left, right) = (Matrix::new(&[0.0; 6], [2, 3], 3), Matrix::new(&[0.0; 4], [2, 2], 2));
        multiply(MatrixMut::new(&mut to, [2, 2], 2), left, right, false);
    }
}
