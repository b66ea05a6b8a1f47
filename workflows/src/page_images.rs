//! Images of pages for people who look at them: drawn in a child process as recognition
//! does it, kept in a cache, and made once for all who ask at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::boxed;
use crate::decode_budget::PAGE_FREE;
use crate::documents::DocumentError;
use crate::documents::renderer::{Color, FairPool, Pixels, RenderOptions, RenderedPage, VIEWS_AT_ONCE};
use crate::entities::{file, task};
use crate::image_cache::ImageKey;
pub use crate::image_cache::{ImageFormat, PageImage};
pub use crate::originals::OriginalError;
use crate::tasks::Tasks;

/// Widths that can be asked for, in pixels: a thumbnail, and pages on small, common and
/// large screens.
pub const WIDTHS: [u32; 4] = [400, 900, 1_600, 2_400];

/// The width unless another is asked for.
pub const WIDTH_DEFAULT: u32 = 900;

/// Pixels of the longer side: a page of common proportions has far less.
const SIDE_MAX: u32 = 10_000;

/// How long a page may take to be drawn: less than for recognition, because a person
/// waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a request waits for its turn: longer than one page of somebody else may
/// take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a page that can't be drawn is not tried again: its file is the same then.
const FAILED_FOR: Duration = Duration::from_secs(10 * 60);

/// Failures and costly documents that are remembered. When there are more, all are
/// forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// How often what nobody uses any more is removed.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// How often images are compared with the tasks that there are: tasks are erased by
/// other machines too, each of which has a cache of its own.
const COMPARE_EVERY: u32 = 6;

/// Tasks that are looked up at once.
const TASKS_AT_ONCE: usize = 1_000;

/// Of JPEG, of 100. Text stays readable.
const QUALITY: u8 = 80;

/// A PNG that is larger than this part of its pixels is one of a photograph, as which
/// JPEG is tried.
const PHOTOGRAPH: usize = 8;

/// Why there is no image of a page.
#[derive(Debug, thiserror::Error)]
pub enum PageImageError {
    /// It can't be drawn, or not now.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The document can't be had.
    #[error(transparent)]
    Original(#[from] OriginalError),
    /// The process ends.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// An image that is being made, for all who wait for it.
type Making = Shared<BoxFuture<'static, Result<PageImage, Arc<PageImageError>>>>;

/// Makes images of pages. Clones share everything.
#[derive(Clone)]
pub struct PageImages {
    shared: Arc<Inner>,
}

struct Inner {
    tasks: Tasks,
    places: FairPool<()>,
    making: Mutex<HashMap<ImageKey, Making>>,
    costs: Mutex<Costs>,
}

/// What is known of documents that cost too much or can't be drawn.
#[derive(Default)]
struct Costs {
    failed: HashMap<ImageKey, (DocumentError, Instant)>,
    /// By how much their pages took longer than pages usually do, and since when.
    excess: HashMap<Uuid, (Duration, Instant)>,
}

impl PageImages {
    pub(crate) fn new(tasks: Tasks) -> Self {
        let places = FairPool::new([(); VIEWS_AT_ONCE]);
        let (making, costs) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Inner { tasks, places, making, costs }) }
    }

    /// Tells the image of a page from every other, and from one that is made in
    /// another way.
    #[must_use]
    pub fn tag(task: Uuid, page: u32, width: u32) -> String {
        ImageKey { task, page, width }.tag()
    }

    /// The image of page number `page`, which the task has, as wide as `width` or as the
    /// page itself. It goes on being made, and is kept, when the call is dropped.
    ///
    /// # Errors
    /// [`PageImageError::Document`] as [`crate::documents::renderer::Renderer::render`],
    /// `DocumentError::Busy` after 15 s or when too many wait, and `BudgetSpent` for a
    /// document whose pages take too long; [`PageImageError::Original`].
    #[boxed]
    pub async fn image(
        &self,
        task: &task::Model,
        file: &file::Model,
        page: u32,
        width: u32,
    ) -> Result<PageImage, Arc<PageImageError>> {
        let key = ImageKey { task: task.id, page, width };
        if let Some(image) = self.shared.tasks.resources().images.get(key).await {
            return Ok(image);
        }
        self.making(key, file).await
    }

    /// What others wait for already, or a beginning.
    fn making(&self, key: ImageKey, file: &file::Model) -> Making {
        let mut making = lock(&self.shared.making);
        if let Some(begun) = making.get(&key) {
            return begun.clone();
        }
        let (inner, file) = (Arc::clone(&self.shared), file.clone());
        // Whoever asked may go: what was begun is kept for the next.
        let working = tokio::spawn(async move {
            let made = inner.make(key, &file).await;
            lock(&inner.making).remove(&key);
            made.map_err(Arc::new)
        });
        let inner = Arc::clone(&self.shared);
        let done = working.map(move |made| {
            made.unwrap_or_else(|_| {
                lock(&inner.making).remove(&key);
                Err(Arc::new(PageImageError::ShuttingDown))
            })
        });
        let begun = done.boxed().shared();
        making.insert(key, begun.clone());
        begun
    }

    /// Removes copies, images and children that nobody needs any more, now and again;
    /// never returns.
    pub(crate) async fn keep_tidy(self) {
        let resources = self.shared.tasks.resources();
        let mut tick = interval(TIDY_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 1_u32.. {
            tick.tick().await;
            resources.originals.tidy();
            resources.renderer.close_unused();
            if round % COMPARE_EVERY == 0
                && let Err(error) = self.remove_erased().await
            {
                tracing::warn!(%error, "can't compare page images with the tasks; the next pass retries");
            }
        }
    }

    /// Removes the images of tasks that are gone.
    async fn remove_erased(&self) -> Result<(), DbErr> {
        let images = &self.shared.tasks.resources().images;
        let kept = images.tasks().await.unwrap_or_default();
        for tasks in kept.chunks(TASKS_AT_ONCE) {
            let there = self.shared.existing(tasks).await?;
            for gone in tasks.iter().filter(|task| !there.contains(task)) {
                self.shared.tasks.resources().forget_views(*gone).await;
            }
        }
        Ok(())
    }
}

impl Inner {
    async fn make(&self, key: ImageKey, file: &file::Model) -> Result<PageImage, PageImageError> {
        let tenant: Arc<str> = file.user_id.to_string().into();
        self.check(key)?;
        let place = self.places.take(&tenant, Some(PATIENCE), |()| 0).await?;
        // What came before may have told more of the document.
        self.check(key)?;
        let rendered = self.draw(key, file, &tenant).await?;
        let encoding = move || encode(&rendered, key.page);
        let encoded = tokio::task::spawn_blocking(encoding).await;
        drop(place);
        let image = encoded.map_err(|_| PageImageError::ShuttingDown)??;
        self.keep(key, &image).await;
        Ok(image)
    }

    async fn draw(
        &self,
        key: ImageKey,
        file: &file::Model,
        tenant: &str,
    ) -> Result<RenderedPage, PageImageError> {
        let resources = self.tasks.resources();
        let original = resources.original(key.task, file).await?;
        let renderer = resources.renderer.for_tenant(tenant).patient_for(PATIENCE).within(DEADLINE);
        let options = RenderOptions {
            dpi: *RenderOptions::DPI.end(),
            side_max: Some(SIDE_MAX),
            width_max: Some(key.width),
            color: Color::Rgb,
        };
        let mut took = Duration::ZERO;
        let drawn = renderer.view_at_cost(original.path(), key.page - 1, options, &mut took).await;
        lock(&self.costs).add(key, took, drawn.as_ref().err());
        Ok(drawn?)
    }

    /// Refuses what is known to fail, and documents that took too long already.
    fn check(&self, key: ImageKey) -> Result<(), DocumentError> {
        let budget = self.tasks.settings().document_limits.decode_budget;
        lock(&self.costs).check(key, budget)
    }

    /// Keeps the image, unless its task was erased meanwhile. An image that can't be kept
    /// is made again.
    async fn keep(&self, key: ImageKey, image: &PageImage) {
        let resources = self.tasks.resources();
        let has_room = self.tasks.disk_space().check(image.bytes.len() as u64).await;
        if !matches!(has_room, Ok(Ok(()))) {
            return;
        }
        if let Err(error) = resources.images.put(key, image.clone()).await {
            tracing::warn!(%error, "can't keep the image of a page");
        }
        // Whoever erases it from now on removes the image as well.
        match self.existing(&[key.task]).await {
            Ok(there) if there.is_empty() => resources.forget_views(key.task).await,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the next pass looks whether the task is still there"),
        }
    }

    async fn existing(&self, tasks: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
        task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::Id.is_in(tasks.iter().copied()))
            .into_tuple()
            .all(self.tasks.database())
            .await
    }
}

impl Costs {
    fn check(&mut self, key: ImageKey, budget: Duration) -> Result<(), DocumentError> {
        self.failed.retain(|_, (_, at)| at.elapsed() < FAILED_FOR);
        self.excess.retain(|_, (_, at)| at.elapsed() < FAILED_FOR);
        if let Some((error, _)) = self.failed.get(&key) {
            return Err(error.clone());
        }
        match self.excess.get(&key.task) {
            Some((spent, _)) if *spent >= budget => Err(DocumentError::BudgetSpent { spent: *spent, budget }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, key: ImageKey, took: Duration, error: Option<&DocumentError>) {
        if self.failed.len() + self.excess.len() >= REMEMBERED_MAX {
            *self = Self::default();
        }
        let excess = took.saturating_sub(PAGE_FREE);
        if !excess.is_zero() {
            let (spent, at) = self.excess.entry(key.task).or_insert_with(|| (Duration::ZERO, Instant::now()));
            (*spent, *at) = (*spent + excess, Instant::now());
        }
        if let Some(error) = error.filter(|error| error.is_permanent()) {
            self.failed.insert(key, (error.clone(), Instant::now()));
        }
    }
}

/// The page as a file: PNG, or JPEG where that is smaller, as it is for photographs.
fn encode(rendered: &RenderedPage, page: u32) -> Result<PageImage, DocumentError> {
    let failed = |error: ImageError| DocumentError::PageBroken { page, reason: error.to_string() };
    let gray: Vec<u8>;
    let (pixels, color) = match &rendered.pixels {
        Pixels::Luma8(pixels) => (pixels, ExtendedColorType::L8),
        Pixels::Rgb8(pixels) if is_gray(pixels) => {
            gray = pixels.iter().copied().step_by(3).collect();
            (&gray, ExtendedColorType::L8)
        }
        Pixels::Rgb8(pixels) => (pixels, ExtendedColorType::Rgb8),
    };
    let (width, height) = (rendered.width, rendered.height);
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, width, height, color)
        .map_err(failed)?;
    if png.len() > pixels.len() / PHOTOGRAPH {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
            .write_image(pixels, width, height, color)
            .map_err(failed)?;
        if jpeg.len() < png.len() {
            return Ok(PageImage { format: ImageFormat::Jpeg, bytes: jpeg.into() });
        }
    }
    Ok(PageImage { format: ImageFormat::Png, bytes: png.into() })
}

fn is_gray(rgb: &[u8]) -> bool {
    rgb.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No panic leaves it half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(pixels: Vec<u8>) -> RenderedPage {
        RenderedPage {
            width: 100,
            height: 100,
            dpi: 72,
            pixels: Pixels::Rgb8(pixels),
            text_layer: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn text_is_a_png_of_grays_and_a_photograph_a_jpeg() {
        let text = encode(&page([255, 255, 255].repeat(10_000)), 1).unwrap();
        assert_eq!(text.format, ImageFormat::Png);
        assert_eq!(image::load_from_memory(&text.bytes).unwrap().color(), image::ColorType::L8);
        let waves = |at: u16| {
            let (x, y) = (f32::from(at % 100), f32::from(at / 100));
            [x / 7.0, y / 5.0, (x + y) / 9.0].map(|angle| (128.0 + 90.0 * angle.sin() + x / 5.0) as u8)
        };
        let photograph = encode(&page((0..10_000).flat_map(waves).collect()), 1).unwrap();
        assert_eq!(photograph.format, ImageFormat::Jpeg);
        let decoded = image::load_from_memory(&photograph.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (100, 100));
    }

    #[test]
    fn what_fails_is_not_tried_again_and_a_costly_document_ends_at_its_budget() {
        let mut costs = Costs::default();
        let key = |page| ImageKey { task: Uuid::from_u128(1), page, width: 400 };
        let budget = Duration::from_secs(8);
        let late = DocumentError::Timeout { what: "page 1".to_owned(), after: DEADLINE };
        costs.add(key(1), DEADLINE, Some(&late));
        assert_eq!(costs.check(key(1), budget), Err(late.clone()));
        costs.check(key(2), budget).unwrap();
        costs.add(key(2), DEADLINE, Some(&late));
        let spent = Duration::from_secs(10);
        assert_eq!(costs.check(key(3), budget), Err(DocumentError::BudgetSpent { spent, budget }));
        let other = ImageKey { task: Uuid::from_u128(2), ..key(1) };
        costs.check(other, budget).unwrap();
        costs.add(other, Duration::ZERO, Some(&DocumentError::Busy));
        costs.check(other, budget).unwrap();
    }
}
