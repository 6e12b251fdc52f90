//! One turn: look, decide, do, record.

use std::sync::Arc;

use pgkeep_model::{DbInstance, DbiResourceId, EventCategory, InstanceStatus};
use tracing::{debug, info};

use crate::decide::{Effect, World, certificate_fits, decide};
use crate::driver::Driver;
use crate::effects::Step;
use crate::engines::{openssl_in, release_in_use};
use crate::failpoint::{Moment, reached};
use crate::maintenance::{renews, waits_until};
use crate::wanted::plan;
use crate::{Control, WorkflowError};

/// What became of a turn.
pub(crate) enum Turn {
    /// Something was done, or the wish changed: look again.
    Again,
    /// At rest, gone, or waiting for a time that is recorded.
    Over,
}

/// An effect under way.
#[derive(Clone, Copy)]
pub(crate) struct Doing {
    pub(crate) effect: Effect,
    /// [`DbInstance::generation`] of the wish that it is for.
    pub(crate) generation: u64,
}

impl Driver {
    /// Takes a turn. `doing` is what is under way, also when it failed.
    pub(crate) async fn turn(
        self: &Arc<Self>,
        id: &DbiResourceId,
        doing: &mut Option<Doing>,
    ) -> Result<Turn, WorkflowError> {
        *doing = None;
        let control = &self.control;
        let read = control.store.read(|state| {
            let Some(instance) = state.instance_by_resource_id(id)? else { return Ok(None) };
            let name = instance.desired.parameter_group.parse()?;
            Ok(Some((instance, state.parameter_group(&name)?)))
        })?;
        let Some((mut instance, group)) = read else { return Ok(Turn::Over) };
        let group = group.ok_or_else(|| {
            WorkflowError::Model(format!("no group {}", instance.desired.parameter_group))
        })?;
        if self.open_window(&instance)? {
            return Ok(Turn::Again);
        }
        let engine = control.engine_of(&instance);
        if let Some(engine) = &engine {
            release_in_use(&mut instance, engine);
        }
        let files = control.files(&instance);
        let postmaster = control.postmasters.running(id, &files)?;
        let version = instance.desired.engine_version;
        let plan = plan(
            control,
            &instance,
            &group,
            version,
            openssl_in(engine.as_ref()),
            postmaster.as_ref(),
        )?;
        let (world, damage) = look(control, &instance, engine.is_some(), postmaster.is_some());
        let Some(effect) = decide(&instance, &plan.wanted, world) else {
            return self.rest(&instance, postmaster).await;
        };
        let not_before = self.deaths.not_before(id, control.clock().now());
        self.announce(&instance, effect)?;
        if let (Effect::Start, Some(at)) = (effect, not_before) {
            control.store.quickly(|state| state.wake_at(id, at))?;
            return Ok(Turn::Over);
        }
        debug!(instance = %instance.desired.identifier, effect = effect.name(), "doing");
        *doing = Some(Doing { effect, generation: instance.generation });
        interrupt(effect, Moment::Before)?;
        let engine = engine.as_ref();
        // A change replaces the pair whatever became of its files.
        let damage = damage.filter(|_| certificate_fits(&instance) && !world.renews);
        let step =
            Step { control, instance: &instance, engine, plan: &plan, files: &files, damage };
        let event = step.event(effect).await;
        let record = step.perform(effect).await?;
        interrupt(effect, Moment::After)?;
        if effect == Effect::Remove {
            return self.forget(&instance).await;
        }
        let release = instance.desired.engine_version;
        control.store.quickly(|state| {
            let row = state.update_instance(id, |row| {
                record(&mut row.applied);
                row.desired.engine_version = release;
            })?;
            let event = row.and(event);
            state.append_events(&event.map_or_else(Vec::new, |(category, message)| {
                vec![control.instance_event(&instance.desired.identifier, category, message)]
            }))
        })?;
        Ok(Turn::Again)
    }

    /// Lets the status tell that an available instance is worked on, before the work begins; what
    /// a start is about to disprove is forgotten first. As in the service, it stays available while
    /// a running server takes values of parameters (`ParameterApplyStatus` tells of them) and while
    /// its certificate is renewed.
    fn announce(&self, instance: &DbInstance, effect: Effect) -> Result<(), WorkflowError> {
        let renews = effect == Effect::IssueCertificate && certificate_fits(instance);
        if renews || matches!(effect, Effect::PutBack | Effect::Reload | Effect::Prove) {
            return Ok(());
        }
        // What was started and not stopped has died.
        let works = [InstanceStatus::Available, InstanceStatus::Modifying];
        let died = effect == Effect::Start
            && instance.applied.start_digest.is_some()
            && works.contains(&instance.status);
        self.control.store.quickly(|state| {
            let update = state.update_instance(&instance.resource_id, |row| {
                // What was asked for meanwhile has said more.
                if died && row.status == instance.status {
                    row.status = InstanceStatus::Rebooting;
                } else if row.status == InstanceStatus::Available {
                    row.status = InstanceStatus::Modifying;
                }
                if effect == Effect::Start {
                    row.applied.start_digest = None;
                    row.applied.proof_digest = None;
                }
            });
            update?;
            let identifier = &instance.desired.identifier;
            let shutdown = self.control.instance_event(
                identifier,
                EventCategory::Availability,
                "DB instance shutdown.",
            );
            if died { state.append_events(&[shutdown]) } else { Ok(()) }
        })?;
        Ok(())
    }

    async fn forget(&self, instance: &DbInstance) -> Result<Turn, WorkflowError> {
        let identifier = &instance.desired.identifier;
        // Before the row goes: a kill in between would leave the name for good.
        self.control.publish_names_of(instance).await?;
        self.control.store.durably(|state| {
            state.remove_instance(&instance.resource_id)?;
            state.append_events(&[self.control.instance_event(
                identifier,
                EventCategory::Deletion,
                "DB instance deleted.",
            )])
        })?;
        info!(instance = %identifier, "deleted");
        Ok(Turn::Over)
    }
}

/// Looks at the world; answers also what is wrong with the pair in use.
fn look(
    control: &Control,
    instance: &DbInstance,
    engine: bool,
    running: bool,
) -> (World, Option<String>) {
    let (files, now) = (control.files(instance), control.clock().now());
    // That of an instance without a server is looked at before its start.
    let serves = instance.desired.running && !instance.desired.deleted;
    let damage = if serves { control.damage(instance) } else { None };
    let applied = &instance.applied;
    let certificate = applied.certificate.is_some() && damage.is_none();
    // Read only where `decide` asks for it.
    let proved = applied.proved.as_ref().filter(|it| {
        (applied.refusal.is_some() || !certificate) && applied.certificate.as_ref() != Some(it)
    });
    let world = World {
        engine,
        data_directory: files.data().join("PG_VERSION").exists(),
        certificate,
        previous: proved
            .is_some_and(|it| it.not_after > now && control.check_pair(&files, it).is_ok()),
        renews: renews(instance, control.signs_until(instance), now)
            || control.is_revoked(instance),
        waits: waits_until(instance, now).is_some(),
        running,
    };
    (world, damage)
}

fn interrupt(effect: Effect, moment: Moment) -> Result<(), WorkflowError> {
    if reached(effect.name(), moment) { Err(WorkflowError::Failpoint) } else { Ok(()) }
}
