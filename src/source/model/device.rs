//! Where a model runs.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use candle_core::Device;

use crate::error::{Error, ErrorKind, Result};

/// The error that a device failed while a model was loaded.
pub(super) fn device_failed(error: candle_core::Error) -> Error {
    Error::new(ErrorKind::Device, format!("the device failed: {error}"))
}

/// Does `work`, which begins and ends on a device: at once on the processor. On another all models and threads of this process take
/// turns, so that one has the whole device, and others prepare what they want of it. There `work` must leave rayon alone: a
/// thread that waits for others of the pool may be given work that wants a turn, and would wait for its own to end.
pub(super) fn in_turn<T>(device: &Device, work: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = (!device.is_cpu()).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    work()
}

/// Where the user wants a model to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device where there is one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// This CUDA device, or an error.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Device, format!("unknown device '{text}'"))
                .with_help("known: auto, cpu, cuda, cuda:N")
        };
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(wrong)?;
                number.parse().map(Self::Cuda).map_err(|_| wrong())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// Where CUDA was asked for and this build has none, or the device is not there. `Auto` never
    /// fails: it says in the log what it took.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => match open_cuda(0) {
                Ok(device) => {
                    tracing::info!("model runs on cuda:0");
                    Ok(device)
                }
                Err(error) => {
                    tracing::debug!("model runs on the processor: {error}");
                    Ok(Device::Cpu)
                }
            },
            Self::Cuda(number) => open_cuda(number),
        }
    }
}

fn open_cuda(number: usize) -> Result<Device> {
    if !candle_core::utils::cuda_is_available() {
        return Err(Error::new(
            ErrorKind::Device,
            format!("cuda:{number} was asked for, but this program was built without CUDA"),
        )
        .with_help("build with `--features cuda`, or use `--device cpu`"));
    }
    Device::new_cuda(number).map_err(|e| {
        Error::new(ErrorKind::Device, format!("cannot open cuda:{number}: {e}"))
            .with_help("`nvidia-smi` lists the devices; `--device cpu` runs without one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_parse() {
        assert_eq!("cuda:3".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(3));
        assert_eq!("auto".parse::<DeviceChoice>().unwrap(), DeviceChoice::Auto);
        assert!("gpu".parse::<DeviceChoice>().unwrap_err().to_string().contains("gpu"));
        assert!("cuda:x".parse::<DeviceChoice>().is_err());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn cuda_without_cuda_is_an_error_and_never_the_processor() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Device);
        assert!(matches!(DeviceChoice::Auto.open().unwrap(), Device::Cpu));
    }
}
