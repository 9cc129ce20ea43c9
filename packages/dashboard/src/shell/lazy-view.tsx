import { signal } from "@preact/signals";
import type { ComponentType, FunctionComponent } from "preact";

/** A view whose code is loaded when it is shown for the first time. */
export function lazyView<Props extends object>(load: () => Promise<ComponentType<Props>>): FunctionComponent<Props> {
  const loaded = signal<ComponentType<Props> | undefined>(undefined);
  const hasFailed = signal(false);
  let isLoading = false;
  const begin = async () => {
    isLoading = true;
    hasFailed.value = false;
    try {
      loaded.value = await load();
    } catch {
      hasFailed.value = true;
    }
    isLoading = false;
  };
  return function LazyView(props: Props) {
    const View = loaded.value;
    if (View !== undefined) return <View {...props} />;
    if (hasFailed.value) {
      return (
        <div class="message-view">
          <h1>This view could not be loaded</h1>
          <p class="muted">The server cannot be reached, or a new version of the page is there.</p>
          <p>
            <button type="button" class="button is-primary" onClick={() => location.reload()}>
              Load the page again
            </button>
          </p>
        </div>
      );
    }
    if (!isLoading) void begin();
    return <div class="message-view" aria-busy="true" />;
  };
}
