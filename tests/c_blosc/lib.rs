//! C-Blosc, which judges our Blosc in tests and benchmarks, as the codec [`blosc`] of
//! zarrs.
//!
//! The feature `blosc` of zarrs would do, but it also builds snappy, which needs a C++
//! compiler.
//!
//! [`blosc`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/blosc/index.html

use std::borrow::Cow;
use std::ffi::CString;
use std::sync::{Arc, Once};

use serde::{Deserialize, Serialize};
use zarrs::array::codec::api::{
    BytesToBytesCodecTraits, Codec, CodecError, CodecMetadataOptions, CodecOptions,
    CodecRuntimePluginV3, CodecTraits, PartialDecoderCapability, PartialEncoderCapability,
    RecommendedConcurrency, register_codec_v3,
};
use zarrs::array::{ArrayBytesRaw, BytesRepresentation};
use zarrs::metadata::{Configuration, ConfigurationSerialize};
use zarrs::plugin::{ZarrVersion, impl_extension_aliases};

/// Makes `blosc` known to zarrs. Further calls do nothing.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_codec_v3(CodecRuntimePluginV3::new(
            |name| name == "blosc",
            |metadata| {
                let blosc: CBlosc = metadata.to_typed_configuration()?;
                Ok(Codec::BytesToBytes(Arc::new(blosc)))
            },
        ));
    });
}

/// The codec with its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CBlosc {
    /// `lz4`, `lz4hc`, `zlib` or `zstd`.
    pub cname: String,
    /// 0 to 9.
    pub clevel: u8,
    /// Whether and how the bytes of samples are sorted.
    pub shuffle: Shuffle,
    /// Size of a sample in bytes.
    pub typesize: usize,
    /// Size of a block in bytes; 0 lets C-Blosc choose.
    pub blocksize: usize,
}

/// The filter before compression. The values are those of `blosc.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shuffle {
    /// None.
    NoShuffle = 0,
    /// By byte.
    Shuffle = 1,
    /// By bit.
    BitShuffle = 2,
}

impl CBlosc {
    /// Encodes `bytes` as one frame. `None` when C-Blosc refuses.
    #[allow(unsafe_code, reason = "one call of C-Blosc, with its proof")]
    pub fn encode_frame(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let compressor = CString::new(self.cname.as_str()).ok()?;
        let mut frame = vec![0; bytes.len() + blosc_src::BLOSC_MAX_OVERHEAD as usize];
        // SAFETY: C-Blosc reads `bytes.len()` bytes of `bytes` and writes at most
        // `frame.len()` bytes to `frame`; the name ends with NUL.
        let length = unsafe {
            blosc_src::blosc_compress_ctx(
                self.clevel.into(),
                self.shuffle as i32,
                self.typesize,
                bytes.len(),
                bytes.as_ptr().cast(),
                frame.as_mut_ptr().cast(),
                frame.len(),
                compressor.as_ptr(),
                self.blocksize,
                1,
            )
        };
        frame.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
        Some(frame)
    }
}

/// Decodes a frame. `None` when C-Blosc refuses it.
#[allow(unsafe_code, reason = "two calls of C-Blosc, with their proof")]
pub fn decode_frame(frame: &[u8]) -> Option<Vec<u8>> {
    let mut length = 0;
    // SAFETY: C-Blosc reads `frame.len()` bytes of `frame` and writes one size.
    let valid = unsafe {
        blosc_src::blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut length)
    };
    if valid != 0 {
        return None;
    }
    let mut bytes = vec![0; length];
    // SAFETY: the frame was validated, so C-Blosc reads no byte behind it. It writes at
    // most `length` bytes to `bytes`.
    let written = unsafe {
        blosc_src::blosc_decompress_ctx(
            frame.as_ptr().cast(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            1,
        )
    };
    (usize::try_from(written) == Ok(bytes.len())).then_some(bytes)
}

impl_extension_aliases!(CBlosc, v3: "blosc");

impl ConfigurationSerialize for CBlosc {}

impl CodecTraits for CBlosc {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn configuration(
        &self,
        _version: ZarrVersion,
        _options: &CodecMetadataOptions,
    ) -> Option<Configuration> {
        Some(self.clone().into())
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability {
            partial_read: false,
            partial_decode: false,
        }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        PartialEncoderCapability {
            partial_encode: false,
        }
    }
}

impl BytesToBytesCodecTraits for CBlosc {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(
        &self,
        _decoded: &BytesRepresentation,
    ) -> Result<RecommendedConcurrency, CodecError> {
        Ok(RecommendedConcurrency::new_maximum(1))
    }

    fn encode<'a>(
        &self,
        bytes: ArrayBytesRaw<'a>,
        _options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let frame = self.encode_frame(&bytes).map(Cow::Owned);
        frame.ok_or_else(|| "C-Blosc does not encode this".into())
    }

    fn decode<'a>(
        &self,
        frame: ArrayBytesRaw<'a>,
        _decoded: &BytesRepresentation,
        _options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let bytes = decode_frame(&frame).map(Cow::Owned);
        bytes.ok_or_else(|| "C-Blosc does not decode this frame".into())
    }

    fn encoded_representation(&self, decoded: &BytesRepresentation) -> BytesRepresentation {
        decoded
            .size()
            .map_or(BytesRepresentation::UnboundedSize, |size| {
                BytesRepresentation::BoundedSize(size + u64::from(blosc_src::BLOSC_MAX_OVERHEAD))
            })
    }
}
