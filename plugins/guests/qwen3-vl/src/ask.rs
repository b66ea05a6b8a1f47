//! The request: the page as a picture of the size the model can bear, and the
//! prompt. The attempt's number decides how much heat it is asked with, so that
//! a replay asks the same.

use serde_json::json;
use untxt_plugin_sdk::http::Request;
use untxt_plugin_sdk::{Error, ImageEncoding, Page, Rect};

use crate::base64;
use crate::boxes::Frame;
use crate::config::Settings;

/// Temperature and top-p of each attempt; the last stays.
const HEAT: [(f32, f32); 5] = [(0.0, 0.1), (0.1, 0.95), (0.3, 0.95), (0.5, 0.95), (0.8, 0.95)];

const JPEG_QUALITY: u8 = 90;

/// Servers refuse narrower pictures, and longer ones.
const SIDE_MIN: u32 = 11;
const RATIO_MAX: u32 = 200;

/// Side of what is a token to the model.
const TOKEN_SIDE: u32 = 32;

pub(crate) fn request(page: &Page, settings: &Settings, attempt: u32) -> Result<(Request, Frame), Error> {
    let info = page.info();
    let (short, long) = (info.width.min(info.height), info.width.max(info.height));
    if short < SIDE_MIN || long / short > RATIO_MAX {
        let reason = format!("a page of {} x {} pixels is too narrow for the model", info.width, info.height);
        return Err(Error::permanent("bad-image", reason));
    }
    let side_max = side_max(info.width, info.height, settings.max_pixels);
    let whole = Rect { x: 0, y: 0, width: info.width, height: info.height };
    let picture = page.encoded(whole, ImageEncoding::Jpeg, side_max, JPEG_QUALITY)?;
    let (temperature, top_p) = HEAT[(attempt.max(1) as usize - 1).min(HEAT.len() - 1)];
    let url = format!("data:image/jpeg;base64,{}", base64::encode(&picture));
    let mut body = json!({
        "model": settings.model,
        "messages": [{ "role": "user", "content": [
            { "type": "image_url", "image_url": { "url": url } },
            { "type": "text", "text": settings.prompt() },
        ]}],
        "temperature": temperature,
        "top_p": top_p,
        "max_tokens": settings.max_tokens,
    });
    if settings.logprobs {
        body["logprobs"] = json!(true);
    }
    let url = format!("{}/chat/completions", settings.base_url.trim_end_matches('/'));
    let request = Request { timeout_ms: settings.timeout_ms, ..Request::post_json(url, body.to_string()) };
    let scale = if side_max == 0 { 1.0 } else { long as f32 / side_max as f32 };
    Ok((request, Frame { width: info.width, height: info.height, scale, convention: settings.boxes }))
}

/// Longest side of the picture, whole tokens; 0 when the page is small enough.
fn side_max(width: u32, height: u32, pixels_max: u32) -> u32 {
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= u64::from(pixels_max) {
        return 0;
    }
    let shrink = (f64::from(pixels_max) / pixels as f64).sqrt();
    let side = (f64::from(width.max(height)) * shrink) as u32;
    (side / TOKEN_SIDE * TOKEN_SIDE).max(TOKEN_SIDE)
}

#[cfg(test)]
mod tests {
    use super::side_max;

    #[test]
    fn a_picture_keeps_to_its_budget() {
        assert_eq!(side_max(1_000, 1_000, 2_000_000), 0);
        for (width, height) in [(2_480, 3_508), (3_508, 2_480), (10_000, 300)] {
            let side = side_max(width, height, 2_000_000);
            assert_eq!(side % 32, 0);
            let other = u64::from(width.min(height)) * u64::from(side) / u64::from(width.max(height));
            assert!(u64::from(side) * other <= 2_000_000, "{width} x {height}: {side}");
        }
    }
}
