//! The program as its users meet it: started as a process of its own, over a
//! data directory of its own, seen from outside only.

mod client;
mod database;
mod history;
mod home;
mod people;
mod provider;
mod raw;
mod receiver;
mod samples;
mod server;
mod socket;
mod way;

mod campaign;
mod cancel;
mod dead_letters;
mod engines;
mod erase;
mod events;
mod keys;
mod kill;
mod later_client;
mod limits;
mod listeners;
mod memory;
mod ocr_command;
mod operator_commands;
mod operators;
mod outages;
mod plugin_commands;
mod processes;
mod refusals;
mod seed_client;
mod serve;
mod shared_queue;
mod slow_clients;
mod sockets;
mod stack;
mod templates;
mod tenancy;
mod tokens;
mod traces;
mod uploads;
mod watched;
mod webhooks;
