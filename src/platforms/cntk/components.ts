/**
 * The strongly connected components of what can be reached from some nodes, each after those that it needs: a single node, or nodes that
 * need each other. Without recursion: networks may be very deep.
 */
export function components<Node>(roots: Iterable<Node>, needs: (node: Node) => readonly Node[]): readonly (readonly Node[])[] {
  const found: Node[][] = [];
  const places = new Map<Node, number>();
  const lowest = new Map<Node, number>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  for (const root of roots) {
    if (places.has(root)) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.needs[top.next++];
      if (next === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent.node, lowest.get(top.node)!);
        if (lowest.get(top.node) === places.get(top.node)) close(top.node);
      } else if (!places.has(next)) path.push(enter(next));
      else if (isOpen.has(next)) lower(top.node, places.get(next)!);
    }
  }
  return found;

  function enter(node: Node): { readonly node: Node; readonly needs: readonly Node[]; next: number } {
    places.set(node, places.size);
    lowest.set(node, places.get(node)!);
    open.push(node);
    isOpen.add(node);
    return { node, needs: needs(node), next: 0 };
  }

  function lower(node: Node, to: number): void {
    if (to < lowest.get(node)!) lowest.set(node, to);
  }

  function close(node: Node): void {
    const component = open.splice(open.lastIndexOf(node));
    for (const each of component) isOpen.delete(each);
    found.push(component);
  }
}
