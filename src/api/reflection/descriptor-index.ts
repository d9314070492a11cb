import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, type FieldDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds the descriptors of services and of all they refer to, by file name, by symbol and by extension. */
export class DescriptorIndex {
  /** Full names of the services, sorted. */
  readonly services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  /** The file that declares each full name. */
  readonly #symbols = new Map<string, DescFile>();
  /** Extensions by the extended message's full name and field number. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #messages = new Set<string>();
  readonly #serialized = new Map<DescFile, Uint8Array>();

  constructor(services: readonly DescService[]) {
    this.services = services.map((service) => service.typeName).sort();
    for (const service of services) this.#addFile(service.file);
  }

  /**
   * The file of a name such as `tensorflow/core/framework/tensor.proto` and all it imports, serialized: the file itself
   * first, and every file before what it imports.
   */
  file(name: string): readonly Uint8Array[] | undefined {
    return this.#closure(this.#files.get(name));
  }

  /** The same for the file that declares a service, method, message, field, oneof, enum or enum value. */
  fileOfSymbol(symbol: string): readonly Uint8Array[] | undefined {
    return this.#closure(this.#symbols.get(symbol));
  }

  /** The same for the file that declares an extension. */
  fileOfExtension(message: string, number: number): readonly Uint8Array[] | undefined {
    return this.#closure(this.#extensions.get(message)?.get(number));
  }

  /** Numbers of the extensions of a message; undefined when there is no such message. */
  extensionNumbers(message: string): readonly number[] | undefined {
    if (!this.#messages.has(message)) return undefined;
    return [...(this.#extensions.get(message)?.keys() ?? [])].sort((a, b) => a - b);
  }

  #addFile(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    const { proto } = file;
    const scope = proto.package === "" ? "" : `${proto.package}.`;
    for (const message of proto.messageType) this.#addMessage(file, scope, message);
    for (const { name, value } of proto.enumType) this.#addNames(file, scope, [{ name }, ...value]);
    for (const { name, method } of proto.service) {
      this.#symbols.set(scope + name, file);
      this.#addNames(file, `${scope}${name}.`, method);
    }
    this.#addExtensions(file, scope, proto.extension);
    for (const dependency of file.dependencies) this.#addFile(dependency);
  }

  #addMessage(file: DescFile, outer: string, message: DescriptorProto): void {
    const scope = `${outer}${message.name}.`;
    this.#symbols.set(outer + message.name, file);
    this.#messages.add(outer + message.name);
    this.#addNames(file, scope, message.field);
    this.#addNames(file, scope, message.oneofDecl);
    // An enum's values are named in the scope of the enum, not in the enum.
    for (const { name, value } of message.enumType) this.#addNames(file, scope, [{ name }, ...value]);
    for (const nested of message.nestedType) this.#addMessage(file, scope, nested);
    this.#addExtensions(file, scope, message.extension);
  }

  #addNames(file: DescFile, scope: string, named: readonly { readonly name: string }[]): void {
    for (const { name } of named) this.#symbols.set(scope + name, file);
  }

  #addExtensions(file: DescFile, scope: string, extensions: readonly FieldDescriptorProto[]): void {
    this.#addNames(file, scope, extensions);
    for (const { extendee, number } of extensions) {
      const message = extendee.replace(/^\./, "");
      const known = this.#extensions.get(message) ?? new Map<number, DescFile>();
      this.#extensions.set(message, known.set(number, file));
    }
  }

  #closure(first: DescFile | undefined): readonly Uint8Array[] | undefined {
    if (first === undefined) return undefined;
    const reached = new Set<DescFile>();
    const importsFirst: DescFile[] = [];
    const visit = (file: DescFile): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const dependency of file.dependencies) visit(dependency);
      importsFirst.push(file);
    };
    visit(first);
    return importsFirst.reverse().map((file) => this.#serialize(file));
  }

  #serialize(file: DescFile): Uint8Array {
    const known = this.#serialized.get(file);
    if (known !== undefined) return known;
    const bytes = toBinary(FileDescriptorProtoSchema, file.proto);
    this.#serialized.set(file, bytes);
    return bytes;
  }
}
