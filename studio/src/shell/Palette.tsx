import { Command } from "cmdk";
import { Dialog } from "radix-ui";
import { useState } from "react";
import { useApi } from "../data/hooks";
import { assetPath, jobPath, useGo } from "../data/nav";
import { Keys, Status } from "../kit/basic";
import { Icon } from "../kit/Icon";
import { useReturn } from "../kit/opener";
import { SHORTCUTS } from "../lib/keys";
import { act, usePageCommands, useTheme } from "./state";

export function Palette({ open, close }: { open: boolean; close: () => void }) {
  const back = useReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined} onCloseAutoFocus={back}>
          <Dialog.Title className="sr">Search and commands</Dialog.Title>
          <Choices close={close} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Choices({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const go = useGo();
  const mine = usePageCommands();
  const [theme, setTheme] = useTheme();
  const jobs = useApi("jobs.list", { max_results: 60 });
  const models = useApi("model.list", { max_results: 200 });
  const data = useApi("data.list", { max_results: 200 });
  const run = (action: () => void) => () => {
    close();
    action();
  };
  return (
    <Command label="Search and commands" loop>
      <Command.Input value={text} onValueChange={setText} placeholder="Go to a page, a job, a model, a command" autoFocus />
      <Command.List>
        <Command.Empty>Nothing is called that.</Command.Empty>
        {mine.length > 0 && (
          <Command.Group heading="This page">
            {mine.map((item) => (
              <Command.Item key={item.id} value={item.title} onSelect={run(item.run)}>
                <Icon name={item.icon ?? "play"} />
                {item.title}
                {item.keys && <span className="end"><Keys keys={item.keys} /></span>}
              </Command.Item>
            ))}
          </Command.Group>
        )}
        <Command.Group heading="Go to">
          {SHORTCUTS.filter((item) => item.scope === "Go to").map((item) => (
            <Command.Item key={item.keys} value={`go to ${item.title}`} onSelect={run(() => go(item.command))}>
              <Icon name={item.title.toLowerCase()} />
              {item.title}
              <span className="end"><Keys keys={item.keys} /></span>
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Commands">
          <Command.Item onSelect={run(() => go("/submit"))}><Icon name="plus" />Submit a job or pipeline<span className="end"><Keys keys="n" /></span></Command.Item>
          <Command.Item onSelect={run(() => act("code"))}><Icon name="code" />Show this page as code<span className="end"><Keys keys="y" /></span></Command.Item>
          <Command.Item onSelect={run(() => setTheme(theme === "dark" ? "light" : "dark"))}><Icon name={theme === "dark" ? "sun" : "moon"} />{theme === "dark" ? "Light theme" : "Dark theme"}</Command.Item>
        </Command.Group>
        {text && (
          <>
            <Command.Group heading="Jobs">
              {jobs.data?.items.map((job) => (
                <Command.Item key={job.name} value={`job ${job.name} ${job.display_name}`} onSelect={run(() => go(jobPath(job.name)))}>
                  <Status status={job.status} label={false} />
                  <span className="clip">{job.display_name}</span>
                  <span className="end mono clip">{job.display_name === job.name ? "" : job.name}</span>
                </Command.Item>
              ))}
            </Command.Group>
            <Command.Group heading="Models and data">
              {models.data?.items.map((item) => (
                <Command.Item key={`m${item.name}`} value={`model ${item.name}`} onSelect={run(() => go(assetPath("models", item.name)))}><Icon name="models" />{item.name}</Command.Item>
              ))}
              {data.data?.items.map((item) => (
                <Command.Item key={`d${item.name}`} value={`data ${item.name}`} onSelect={run(() => go(assetPath("data", item.name)))}><Icon name="data" />{item.name}</Command.Item>
              ))}
            </Command.Group>
          </>
        )}
      </Command.List>
    </Command>
  );
}
