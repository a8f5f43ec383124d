//! stub
/// stub
pub struct OffsetTable;
/// stub
pub enum OffsetUnit {}
