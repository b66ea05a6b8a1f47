// The engines that a document can be given to.
import { call } from "./client.ts";
import { useData, type Data } from "./data.ts";

export interface Engine {
  name: string;
  digest: string;
  version: string | null;
  description: string | null;
  languages: string[] | null;
  simulated: boolean;
}

export interface Engines {
  default: string;
  engines: Engine[];
}

export function useEngines(): Data<Engines> {
  return useData("engines", (signal) => call<Engines>("api/engines", { signal }));
}
