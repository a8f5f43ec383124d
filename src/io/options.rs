//! Options that several formats have, documented once.

use crate::resource::OptionDoc;

/// The field of the id.
pub(super) const ID_FIELD: OptionDoc = OptionDoc {
    name: "id-field",
    value: "string, id",
    doc: "Read: the field that holds the id; `FILE:LINE` where it is missing.",
};

/// The column of the id.
pub(super) const ID_COLUMN: OptionDoc = OptionDoc {
    name: "id-field",
    value: "string, id",
    doc: "Read: the column that holds the id; `FILE:ROW` where it is missing.",
};

/// The longest line, or element of an array.
pub(super) const MAX_ELEMENT_BYTES: OptionDoc = OptionDoc {
    name: "max-line-bytes",
    value: "number, 268435456",
    doc: "Read: a longer line, or element of an array, is an error.",
};

/// The longest line.
pub(super) const MAX_LINE_BYTES: OptionDoc = OptionDoc {
    name: "max-line-bytes",
    value: "number, 268435456",
    doc: "Read: a longer line is an error.",
};

/// What offsets count.
pub(super) const OFFSETS: OptionDoc = OptionDoc {
    name: "offsets",
    value: "char | byte | utf16, char",
    doc: "What `start` and `end` count.",
};

/// How tags mark entities.
pub(super) const SCHEME: OptionDoc = OptionDoc {
    name: "scheme",
    value: "bio | bioes | bilou | io, bio",
    doc: "Write: how tags mark where entities begin and end.",
};

/// The field of the text.
pub(super) const TEXT_FIELD: OptionDoc = OptionDoc {
    name: "text-field",
    value: "string, text",
    doc: "Read: the field that holds the text.",
};

/// The column of the text, of formats that may have tokens instead.
pub(super) const TEXT_COLUMN: OptionDoc = OptionDoc {
    name: "text-field",
    value: "string, text",
    doc: "Read: the column that holds the text; needed only where there is no column `tokens`.",
};

/// The names of tags, of formats that may say them themselves.
pub(super) const FILE_TAG_NAMES: OptionDoc = OptionDoc {
    name: "tag-names",
    value: "multinerd | wikineural | names | file",
    doc: "Read: the names of tags that are numbers, where the file does not say them.",
};
