import type { DashboardModel, HistoryEvent } from "../../src/api/dashboard/dashboard-messages.ts";
import { useLoaded } from "./loaded.ts";
import { ScrollRegion } from "./region.tsx";
import { getHistory } from "./server-calls.ts";
import { StateBadge } from "./state-badge.tsx";
import { moment } from "./units.ts";

/** What happened to a model's versions, latest first; asked anew when one of them changes. */
export function VersionHistory({ model }: { readonly model: DashboardModel }) {
  const states = model.versions.map(({ version, state }) => `${version} ${state}`).join();
  const history = useLoaded(() => getHistory(model.name), [model.name, states], { keep: true });
  return (
    <section class="panel" aria-labelledby="history">
      <div class="panel-head">
        <h2 id="history">History</h2>
      </div>
      {history.kind === "loading" ? (
        <p class="muted pad">Asking the server ...</p>
      ) : history.kind === "failed" ? (
        <p class="notice bad">{history.message}</p>
      ) : history.value.events.length === 0 ? (
        <p class="muted pad">Nothing has happened since the server started.</p>
      ) : (
        <Events events={history.value.events} />
      )}
    </section>
  );
}

function Events({ events }: { readonly events: readonly HistoryEvent[] }) {
  return (
    <ScrollRegion name="Events">
      <table class="events">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Version</th>
            <th scope="col">Became</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event, index) => (
            <tr key={`${event.atMs} ${event.version} ${event.state} ${index}`}>
              <td>
                <time dateTime={new Date(event.atMs).toISOString()}>{moment(event.atMs)}</time>
              </td>
              <td class="version">{event.version}</td>
              <td>
                <StateBadge version={event} />
              </td>
              <td class="wide">
                {event.error && (
                  <span class="reason">
                    <code>{event.error.code}</code> {event.error.message}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
