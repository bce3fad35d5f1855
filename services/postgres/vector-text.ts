/** pgvector's text form of float32s. A double prints every float32 exactly, so nothing is lost. */
export const vectorText = (littleEndian: Uint8Array): string => {
	const view = new DataView(littleEndian.buffer, littleEndian.byteOffset, littleEndian.byteLength);
	return `[${Array.from({ length: littleEndian.length / 4 }, (_, index) => view.getFloat32(index * 4, true)).join(',')}]`;
};
