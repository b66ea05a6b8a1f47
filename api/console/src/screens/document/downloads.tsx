// The document's results to take away.
import { Icon } from "../../components/icon.tsx";
import { Menu } from "../../components/menu.tsx";
import { address } from "../../client.ts";
import type { Details } from "../../use-document.ts";
import { formatWord } from "../../words.ts";

export function Downloads({ task }: { task: Details }) {
  const done = task.resultUrl !== null;
  const failed = new Map(task.result?.failedFormats.map((one) => [one.format, one]));
  const path = `api/tasks/${task.taskId}`;
  return (
    <Menu label={<><Icon name="down" /> Download</>} kind={done ? "primary" : ""}>
      {done && task.formats.filter((format) => !failed.has(format)).map((format) => (
        <a key={format} href={address(`${path}/result/content`, { format })} download>{formatWord(format)}</a>
      ))}
      {done && [...failed.values()].map((one) => (
        <p key={one.format} class="menu-note">{formatWord(one.format)} could not be made: <code>{one.code}</code> {one.message}</p>
      ))}
      {done && task.formats.length > 1 && <a href={address(`${path}/result/archive`)} download>All formats in one archive (zip)</a>}
      {!done && <p class="menu-note">There is no result yet.</p>}
      <a class="menu-apart" href={address(`${path}/original`)} download>The document as it was uploaded</a>
    </Menu>
  );
}
