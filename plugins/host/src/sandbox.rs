//! Configures wasmtime.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::clock::{Clock, TickGuard};
use crate::config::HostConfig;
use crate::error::PluginError;
use crate::grants::MEMORY_BYTES_CEILING;

/// Elements of a table: twice the function pointers of the largest engines. The pool
/// reserves address space for so many in each table.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 40_000;

/// Memory that stays with a pooled instance between calls: touching fresh pages
/// costs more than the work on most of them.
const KEEP_RESIDENT_BYTES: usize = 16 << 20;

/// Address space of a linear memory: all that a 32 bit index can reach, so that
/// no access needs a check of its own. It is room, not memory.
const ADDRESSES: usize = 4 << 30;

/// Address space that a linear memory can grow into without moving, where there is
/// no room for a pool.
const UNPOOLED_GROWTH_BYTES: u64 = 16 << 20;

/// Instances beyond those of running calls, for engines that are being loaded.
const SPARE_INSTANCES: u32 = 4;

/// Compiler, memory and interruption of all guests, and their clock.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) pooled: bool,
    clock: Clock,
}

impl Sandbox {
    pub(crate) fn new(wanted: &HostConfig) -> Result<Self, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::Sandbox(format!("{error:#}"));
        // A machine that restricts address space has no room for a pool.
        let (engine, pooled) = match Engine::new(&pooling(wanted)) {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "not enough address space for a pool of instances, so calls are slower; \
                     lift the limit on address space (ulimit -v)"
                );
                (Engine::new(&unpooled(wanted.metered)).map_err(failed)?, false)
            }
        };
        let ticking = engine.clone();
        let clock = Clock::start(move || ticking.increment_epoch()).map_err(|error| {
            PluginError::Sandbox(format!("can't start the thread of the engines' clock: {error}"))
        })?;
        Ok(Self { engine, pooled, clock })
    }

    /// Lets running guests be stopped, as long as the guard exists.
    pub(crate) fn ticking(&self) -> TickGuard {
        self.clock.ticking()
    }
}

fn config(metered: bool) -> Config {
    let mut config = Config::new();
    config.consume_fuel(metered);
    config.epoch_interruption(true);
    config.wasm_component_model(true);
    // For functions that wait for each other, of which the contract has none.
    config.concurrency_support(false);
    // Guests are pure computation; these would only widen what they can reach.
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config
}

/// Uses as little address space as possible: every access is checked, and memory
/// moves when it grows.
fn unpooled(metered: bool) -> Config {
    let mut config = config(metered);
    config.memory_reservation(0);
    config.memory_reservation_for_growth(UNPOOLED_GROWTH_BYTES);
    config.memory_guard_size(64 << 10);
    config
}

fn pooling(wanted: &HostConfig) -> Config {
    let instances = u32::try_from(wanted.concurrency).unwrap_or(u32::MAX).saturating_add(SPARE_INSTANCES);
    // An operator may give an engine more than others have.
    let memory_bytes_max = wanted.limits.memory_bytes_max.clamp(MEMORY_BYTES_CEILING, ADDRESSES);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(8))
        .total_stacks(instances)
        .max_memory_size(memory_bytes_max)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        // Where the kernel knows which pages were written, only those are cleared.
        .pagemap_scan(Enabled::Auto);
    let mut config = config(wanted.metered);
    config.memory_reservation(ADDRESSES as u64);
    config.memory_guard_size(32 << 20);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
