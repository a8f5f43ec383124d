//! What a folder of GLiNER holds beside the weights.

use std::borrow::Cow;

use super::settings::Settings;
use crate::error::Result;
use crate::resource::Files;
use crate::source::model::tokenizer_config::TokenizerConfig;
use crate::source::model::vocabulary;

/// What a folder holds, but for its weights.
pub struct GlinerFolder {
    /// What `gliner_config.json` says.
    pub settings: Settings,
    /// The bytes of `tokenizer.json`, or of what stands for it.
    pub tokenizer: Cow<'static, [u8]>,
    /// What to call the file that they come from.
    pub tokenizer_place: String,
    /// What `tokenizer_config.json` says, where there is one.
    pub tokenizer_config: Option<TokenizerConfig>,
}

impl GlinerFolder {
    /// Reads the folder `folder`.
    ///
    /// # Errors
    /// Where a file is missing or damaged, or the model is of a kind that is not supported.
    pub fn read(files: &Files, folder: &str) -> Result<Self> {
        let settings = Settings::read(files, folder)?;
        let (tokenizer, tokenizer_place) = vocabulary::tokenizer_json(files, folder)?;
        Ok(Self {
            settings,
            tokenizer,
            tokenizer_place,
            tokenizer_config: TokenizerConfig::of_folder(files, folder)?,
        })
    }
}
